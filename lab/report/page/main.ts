import { duration, instant } from '../timeline/axis.ts';
import { type Action, actionFor, keyBindings, keyName, scrollKeys } from '../timeline/keys.ts';
import type { ReportData } from '../timeline/model.ts';
import { sceneOf } from '../timeline/scene.ts';
import { inWords } from '../timeline/words.ts';
import { showDetails } from './details.ts';
import { byId, element, typedById } from './dom.ts';
import { drawTimeline } from './draw.ts';
import { EventList } from './event-list.ts';
import { showOverview } from './overview.ts';
import { Pointer } from './pointer.ts';
import { State } from './state.ts';

const data = JSON.parse(byId('report-data').textContent) as ReportData;
const state = new State(sceneOf(data));
const canvas = typedById('lanes', HTMLCanvasElement);
const timeline = byId('timeline');
const pointer = new Pointer(state, canvas);
const list = new EventList(state);
const help = typedById('help', HTMLDialogElement);
const words = typedById('words', HTMLDetailsElement);

labelLanes();
fillHelp();
showOverview(state);
showDetails(state);
state.subscribe(draw);
listen();
state.changed();

function draw(): void {
  const { scene, view, selected, announcement } = state;
  const selectedAt = selected === undefined ? undefined : scene.events.at[selected];
  drawTimeline(canvas, scene, view, { selectedAt, chosen: pointer.chosen });
  const shown = `${instant(view.from)} to ${instant(view.to)} (${duration(view.to - view.from)})`;
  byId('view-range').textContent = shown;
  byId('announcement').textContent = announcement;
  timeline.dataset['from'] = String(view.from);
  timeline.dataset['to'] = String(view.to);
  if (words.open) writeWords();
  // Everything else that follows the state has been drawn before.
  document.documentElement.dataset['ready'] = 'true';
}

/** The timeline as text, for the stretch that is shown. */
function writeWords(): void {
  const lanes = inWords(state.scene, state.view).map(({ lane, says }) => {
    const list = element('ul', '', ...says.map((text) => element('li', '', text)));
    const section = element(
      'section',
      '',
      element('h3', '', lane),
      says.length > 0 ? list : element('p', '', 'nothing'),
    );
    section.dataset['lane'] = lane;
    return section;
  });
  byId('words-text').replaceChildren(...lanes);
}

function labelLanes(): void {
  const labels = byId('labels');
  for (const { name, top, height, rows } of state.scene.layout.lanes) {
    const lane = element('div', 'lane-name', name);
    if (rows[0]!.label !== '') lane.classList.add('labelled');
    const server = data.servers.indexOf(name);
    if (server >= 0) lane.classList.add(`server-${Math.min(server, 5) + 1}`);
    lane.style.top = `${top - 3}px`;
    lane.style.height = `${height + 6}px`;
    labels.append(lane);
    for (const row of rows) {
      const label = element('div', 'row-name', row.label);
      label.style.top = `${row.top}px`;
      label.style.height = `${row.height}px`;
      label.style.lineHeight = `${row.height}px`;
      labels.append(label);
    }
  }
  labels.style.height = `${state.scene.layout.height}px`;
}

function fillHelp(): void {
  const rows = keyBindings.map(({ keys, says }) =>
    element(
      'tr',
      '',
      element('td', '', ...keys.map((key) => element('kbd', '', keyName(key)))),
      element('td', '', says),
    ),
  );
  byId('help-keys').append(...rows);
}

function perform(action: Action): void {
  if (action === 'help') return help.open ? help.close() : help.showModal();
  if (action === 'search') return byId('event-search').focus();
  if (action === 'next-event') return list.step(1);
  if (action === 'previous-event') return list.step(-1);
  state.act(action);
}

function listen(): void {
  document.addEventListener('keydown', (event) => {
    const { target } = event;
    if (!(target instanceof HTMLElement)) return;
    if (target.matches('input, select, textarea, dialog *')) {
      if (event.key === 'Escape' && !help.open) target.blur();
      return;
    }
    const action = actionFor(event);
    if (action === undefined) return;
    const inList = target.id === 'event-list';
    if (scrollKeys.has(event.key) && target !== timeline && !inList) return;
    event.preventDefault();
    if (inList && (event.key === 'Home' || event.key === 'End'))
      list.toEdge(event.key === 'Home' ? 'first' : 'last');
    else perform(action);
  });
  for (const button of document.querySelectorAll<HTMLElement>('[data-action]'))
    button.addEventListener('click', () => perform(button.dataset['action'] as Action));
  for (const button of document.querySelectorAll<HTMLElement>('[data-at]')) {
    button.addEventListener('click', () => {
      state.jumpTo(Number(button.dataset['at']), `at ${button.textContent}`);
      timeline.scrollIntoView({ block: 'nearest' });
    });
  }
  for (const button of document.querySelectorAll<HTMLElement>('[data-copies]')) {
    button.addEventListener('click', () => {
      const copied = () => (button.textContent = 'copied');
      navigator.clipboard.writeText(byId(button.dataset['copies']!).textContent).then(copied, () => {});
    });
  }
  words.addEventListener('toggle', () => state.changed());
  new ResizeObserver(() => state.changed()).observe(canvas);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => state.changed());
}
