import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Html, html } from './html.ts';

const here = dirname(fileURLToPath(import.meta.url));

export interface Document {
  title: string;
  body: Html;
  /** The script of the page; none for a page that needs none. */
  script?: string;
}

/**
 * A whole HTML file that needs nothing else: style and script are in it, and its policy forbids the browser to load or
 * to send anything, so that even markup that should not be there could do nothing.
 */
export async function documentOf({ title, body, script }: Document): Promise<string> {
  const style = await readFile(join(here, 'page/style.css'), 'utf8');
  const policy = [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    `script-src ${script === undefined ? "'none'" : hashOf(script)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ];
  const made = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy.join('; ')}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="data:," />
        <title>${title}</title>
        ${exactly('<style>', style, '</style>')}
      </head>
      <body>
        ${body} ${script === undefined ? null : exactly('<script type="module">', script, '</script>')}
      </body>
    </html> `;
  return made.markup;
}

/** Not a space more: the policy knows style and script by their hashes. */
function exactly(open: string, text: string, close: string): Html {
  return new Html(open + text + close);
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
