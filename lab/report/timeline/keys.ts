/** What can be done to the timeline; each by a key, some by a button too. */
export type Action =
  | 'zoom-in'
  | 'zoom-out'
  | 'earlier'
  | 'later'
  | 'whole'
  | 'start'
  | 'end'
  | 'violation'
  | 'next-fault'
  | 'previous-fault'
  | 'next-event'
  | 'previous-event'
  | 'search'
  | 'help';

export interface KeyBinding {
  keys: readonly string[];
  action: Action;
  says: string;
}

// prettier-ignore
export const keyBindings: readonly KeyBinding[] = [
  { keys: ['+', '='],             action: 'zoom-in',        says: 'zoom in' },
  { keys: ['-', '_'],             action: 'zoom-out',       says: 'zoom out' },
  { keys: ['ArrowLeft'],          action: 'earlier',        says: 'earlier' },
  { keys: ['ArrowRight'],         action: 'later',          says: 'later' },
  { keys: ['0'],                  action: 'whole',          says: 'the whole run' },
  { keys: ['Home'],               action: 'start',          says: 'to the start' },
  { keys: ['End'],                action: 'end',            says: 'to the end' },
  { keys: ['v'],                  action: 'violation',      says: 'to the first violation, then the next' },
  { keys: ['n'],                  action: 'next-fault',     says: 'next fault' },
  { keys: ['p'],                  action: 'previous-fault', says: 'previous fault' },
  { keys: ['j', 'ArrowDown'],     action: 'next-event',     says: 'next event' },
  { keys: ['k', 'ArrowUp'],       action: 'previous-event', says: 'previous event' },
  { keys: ['/'],                  action: 'search',         says: 'search the events' },
  { keys: ['?'],                  action: 'help',           says: 'this help' },
];

/** Keys that move a scrolled thing, and mean the timeline only while it has the focus. */
export const scrollKeys: ReadonlySet<string> = new Set(['Home', 'End', 'ArrowUp', 'ArrowDown']);

/** What a key asks for; undefined for none, and whenever it is meant for the browser (Ctrl, Alt, Meta). */
export function actionFor(event: {
  key: string;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}): Action | undefined {
  if (event.ctrlKey || event.altKey || event.metaKey) return undefined;
  return keyBindings.find(({ keys }) => keys.includes(event.key))?.action;
}

const names: Readonly<Record<string, string>> = {
  ArrowLeft: '\u2190',
  ArrowRight: '\u2192',
  ArrowUp: '\u2191',
  ArrowDown: '\u2193',
};

/** How a key is written in the help. */
export function keyName(key: string): string {
  return names[key] ?? key;
}
