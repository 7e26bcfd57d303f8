// The page: reads the recording out of itself, and shows it.
import { el } from './dom';
import { figureTexts, textOf } from './model/figures';
import { parseReport, recordingOf } from './model/report';
import { State, type View } from './state';
import './style.css';
import { AddressMap } from './views/address_map';
import { Details } from './views/details';
import { FlameGraph } from './views/flame_graph';
import { Histograms } from './views/histograms';
import { Resident } from './views/resident';
import { SiteTable } from './views/site_table';
import { summaryView } from './views/summary';
import { TimeLine } from './views/time_line';

interface Panel {
  id: View;
  label: string;
  more?: string; // of the label, where there is room
  view: { element: HTMLElement; show(): void };
}

function figureSwitch(state: State): HTMLElement {
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

function searchBox(state: State): HTMLInputElement {
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

function meaning(state: State): HTMLElement {
  const words = el('p', { class: 'meaning quiet' });
  const show = () => {
    const text = textOf(state.figure);
    words.textContent = `${text.label}: ${state.window ? text.inWindow : text.meaning}.`;
  };
  state.onChange(show);
  show();
  return words;
}

// Tabs as the ARIA practices describe them: one stop of the Tab key, arrows between.
function tabs(state: State, panels: Panel[]): HTMLElement {
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

function build(state: State): HTMLElement[] {
  const panels: Panel[] = [
    { id: 'flame', label: 'Flame graph', view: new FlameGraph(state) },
    { id: 'sites', label: 'Sites', view: new SiteTable(state) },
    { id: 'addresses', label: 'Address map', view: new AddressMap(state) },
    { id: 'resident', label: 'Resident', view: new Resident(state) },
    { id: 'lifetimes', label: 'Lifetimes', more: ', sizes', view: new Histograms(state) },
  ];
  return [
    summaryView(state.recording),
    new TimeLine(state).element,
    el('div', { class: 'controls' }, figureSwitch(state), searchBox(state)),
    meaning(state),
    el('main', {}, tabs(state, panels), new Details(state).element),
  ];
}

async function start() {
  const page = document.getElementById('page')!;
  const source = document.getElementById('report')!;
  try {
    const text = source.textContent ?? '';
    if (text.trim() === '') {
      throw new Error('no recording is in this page: strata report FILE --html PAGE makes one with it');
    }
    const recording = recordingOf(await parseReport(text, source.dataset.encoding));
    source.textContent = '';
    document.title = `${recording.report.command.join(' ')} – Strata`;
    page.replaceChildren(...build(new State(recording)));
    document.body.dataset.ready = 'true';
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    page.replaceChildren(el('p', { class: 'note', role: 'alert' }, `This page cannot be shown: ${words}`));
  }
}

void start();
