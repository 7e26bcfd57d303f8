// What stands above the views: the figure, the filter, what the figure means; and the tabs.
import { el } from './dom';
import { figureTexts, textOf, type FigureText } from './model/figures';
import type { StackSource } from './model/report';
import type { Choices, View } from './state';

type AnyChoices = Choices<StackSource>;

export interface Panel {
  id: View;
  label: string;
  more?: string; // of the label, where there is room
  view: { element: HTMLElement; show(): void };
}

export function figureSwitch(state: AnyChoices): HTMLElement {
  const buttons = figureTexts.map((one) => {
    const input = el('input', {
      type: 'radio',
      name: 'figure',
      value: one.id,
      checked: one.id === state.figure,
      change: () => state.setFigure(one.id),
    });
    return el('label', { title: one.meaning }, input, el('span', {}, one.label));
  });
  return el('fieldset', { class: 'switch' }, el('legend', {}, 'Figure'), ...buttons);
}

export function searchBox(state: AnyChoices): HTMLInputElement {
  const box = el('input', {
    type: 'search',
    placeholder: 'Function or file   /',
    'aria-label': 'Filter by function or file',
    value: state.filter,
    spellcheck: 'false',
  });
  let pending = 0;
  box.addEventListener('input', () => {
    clearTimeout(pending);
    pending = window.setTimeout(() => state.setFilter(box.value), 120);
  });
  state.onChange((what) => {
    if (what === 'filter' && document.activeElement !== box) box.value = state.filter;
  });
  document.addEventListener('keydown', (event) => {
    const isTyping = event.target instanceof HTMLInputElement && event.target.type === 'search';
    if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    box.focus();
    box.select();
  });
  return box;
}

// What the figure means.
export function meaning(state: AnyChoices, textFor: (figure: FigureText) => string): HTMLElement {
  const words = el('p', { class: 'meaning quiet' });
  const show = () => {
    const text = textOf(state.figure);
    words.textContent = `${text.label}: ${textFor(text)}.`;
  };
  state.onChange(show);
  show();
  return words;
}

// Of a list that is too narrow for all of them.
function bringIntoSight(list: HTMLElement, button: HTMLElement) {
  const [all, one] = [list.getBoundingClientRect(), button.getBoundingClientRect()];
  list.scrollLeft += Math.max(0, one.right - all.right) - Math.max(0, all.left - one.left);
}

// Tabs as the ARIA practices describe them: one stop of the Tab key, arrows between.
export function tabs(state: AnyChoices, panels: Panel[]): HTMLElement {
  const list = el('div', { role: 'tablist', 'aria-label': 'Views', class: 'tabs' });
  const boxes = panels.map(({ id, view }) =>
    el('div', { role: 'tabpanel', id: `panel-${id}`, 'aria-labelledby': `tab-${id}` }, view.element),
  );
  const buttons = panels.map(({ id, label, more }) =>
    el('button', {
      type: 'button',
      role: 'tab',
      id: `tab-${id}`,
      'aria-controls': `panel-${id}`,
      click: () => state.setView(id),
    }, label, more ? el('span', { class: 'spare' }, more) : null),
  );
  list.append(...buttons);
  list.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = panels.findIndex(({ id }) => id === state.view);
    const next = (at + step + panels.length) % panels.length;
    state.setView(panels[next].id);
    buttons[next].focus();
    event.preventDefault();
  });
  const show = () => {
    if (!panels.some(({ id }) => id === state.view)) state.view = panels[0].id;
    panels.forEach(({ id, view }, at) => {
      const isShown = id === state.view;
      buttons[at].setAttribute('aria-selected', String(isShown));
      buttons[at].tabIndex = isShown ? 0 : -1;
      if (isShown) bringIntoSight(list, buttons[at]);
      boxes[at].hidden = !isShown;
      if (isShown) view.show();
    });
  };
  state.onChange((what) => {
    if (what === 'view') show();
  });
  requestAnimationFrame(show);
  return el('section', { class: 'views' }, list, ...boxes);
}
