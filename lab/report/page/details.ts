import { instant } from '../timeline/axis.ts';
import { sentence } from '../timeline/sentences.ts';
import { byId, element } from './dom.ts';
import type { State } from './state.ts';

/** The selected event with everything it says. */
export function showDetails(state: State): void {
  const panel = byId('details');
  let shown: number | undefined;
  state.subscribe(() => {
    if (state.selected === undefined || state.selected === shown) return;
    shown = state.selected;
    const { events } = state.scene;
    const facts = element('dl', '');
    for (const [name, value] of events.fields(shown)) {
      if (value === null) continue;
      const told = events.isInstant(shown, name) ? instant(Number(value), 6) : String(value);
      facts.append(element('dt', '', name), element('dd', '', told));
    }
    panel.replaceChildren(
      element('h3', '', `${events.source(shown)}: ${events.event(shown)}`),
      element('p', 'at', instant(events.at[shown]!, 9)),
      element('p', '', sentence(events, shown)),
      facts,
    );
  });
}
