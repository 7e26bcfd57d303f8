// The page: reads out of itself a recording, or what two differ in, and shows it.
import { figureSwitch, meaning, searchBox, tabs, type Panel } from './controls';
import { DiffState } from './diff_state';
import { el } from './dom';
import { diffSchema, type DiffReport } from './model/difference';
import { parseDocument, recordingOf, type Report } from './model/report';
import { State } from './state';
import './style.css';
import { AddressMap } from './views/address_map';
import { Details } from './views/details';
import { DiffDetails } from './views/diff_details';
import { diffLooks, legend, likenessChoice, widthChoice } from './views/diff_looks';
import { diffSummary } from './views/diff_summary';
import { DiffTable } from './views/diff_table';
import { DiffTimeLine } from './views/diff_time_line';
import { FlameGraph } from './views/flame_graph';
import { figureLooks } from './views/flame_looks';
import { Histograms } from './views/histograms';
import { MemoryTable } from './views/memory_table';
import { Resident } from './views/resident';
import { SiteTable } from './views/site_table';
import { summaryView } from './views/summary';
import { TimeLine } from './views/time_line';

const memoryPanels = (state: State): Panel[] =>
  state.recording.memories.map((memory) => ({
    id: memory.kind,
    label: memory.kind === 'pools' ? 'Pools' : 'Mappings',
    view: new MemoryTable(state, memory),
  }));

function build(state: State): HTMLElement[] {
  const panels: Panel[] = [
    { id: 'flame', label: 'Flame graph', view: new FlameGraph(state, figureLooks(state)) },
    { id: 'sites', label: 'Sites', view: new SiteTable(state) },
    { id: 'addresses', label: 'Address map', view: new AddressMap(state) },
    ...memoryPanels(state),
    { id: 'resident', label: 'Resident', view: new Resident(state) },
    { id: 'lifetimes', label: 'Lifetimes', more: ', sizes', view: new Histograms(state) },
  ];
  return [
    summaryView(state.recording),
    new TimeLine(state).element,
    el('div', { class: 'controls' }, figureSwitch(state), searchBox(state)),
    meaning(state, (text) => (state.window ? text.inWindow : text.meaning)),
    el('main', {}, tabs(state, panels), new Details(state).element),
  ];
}

function buildDifference(state: DiffState): HTMLElement[] {
  const flame = new FlameGraph(state, diffLooks(state), [widthChoice(state)]);
  const panels: Panel[] = [
    { id: 'flame', label: 'Flame graph', view: flame },
    { id: 'sites', label: 'Sites', view: new DiffTable(state) },
  ];
  return [
    diffSummary(state.recording.report),
    new DiffTimeLine(state.recording.report).element,
    el('div', { class: 'controls' }, figureSwitch(state), searchBox(state), likenessChoice(state)),
    meaning(state, (text) => text.meaning),
    legend(state),
    el('main', {}, tabs(state, panels), new DiffDetails(state).element),
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
    const report = await parseDocument(text, source.dataset.encoding);
    source.textContent = '';
    if (report.schema === diffSchema) {
      const difference = report as DiffReport;
      document.title = `${difference.this.command.join(' ')}, compared – Strata`;
      page.replaceChildren(...buildDifference(new DiffState(difference)));
    } else {
      const recording = recordingOf(report as Report);
      document.title = `${recording.report.command.join(' ')} – Strata`;
      page.replaceChildren(...build(new State(recording)));
    }
    document.body.dataset.ready = 'true';
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    page.replaceChildren(el('p', { class: 'note', role: 'alert' }, `This page cannot be shown: ${words}`));
  }
}

void start();
