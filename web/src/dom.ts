// Elements, made in one expression.
type Child = Node | string | null;

export function el<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Record<string, string | number | boolean | EventListener> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== false) made.setAttribute(key, String(value));
  }
  made.append(...children.filter((child): child is Node | string => child !== null));
  return made;
}

// Views that are not seen need not follow; they are shown anew.
export const isShown = (element: HTMLElement): boolean => element.offsetParent !== null;

// A canvas as sharp as the screen; the context is scaled so that drawing counts in CSS pixels.
export function sizeCanvas(canvas: HTMLCanvasElement, width: number, height: number) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d')!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

export const cssColour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export const isDark = (): boolean => matchMedia('(prefers-color-scheme: dark)').matches;

// A colour of its own for each name, calm enough to lie beside others.
export function colourOf(name: string): string {
  let hash = 0;
  for (let at = 0; at < name.length; ++at) hash = (hash * 31 + name.charCodeAt(at)) | 0;
  const hue = [205, 175, 150, 95, 45, 28, 12, 340, 265, 230][Math.abs(hash) % 10];
  const shade = (Math.abs(hash >> 8) % 5) - 2;
  return isDark() ? `hsl(${hue} 26% ${33 + shade * 1.5}%)` : `hsl(${hue} 46% ${81 + shade * 1.5}%)`;
}
