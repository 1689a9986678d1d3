import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The mirror this machine itself takes Debian from, read out of apt's sources (both formats): where a site has a mirror
 * of its own, nothing else may be reachable. Undefined when apt names none for this suite; debootstrap's default serves then.
 */
export function mirrorFrom(
  files: readonly { name: string; text: string }[],
  suite: string,
): string | undefined {
  for (const { name, text } of files) {
    const entries = name.endsWith('.sources') ? paragraphs(text) : oneLiners(text);
    for (const { uris, suites, components } of entries) {
      const uri = uris.find((each) => /^https?:\/\//.test(each));
      if (uri !== undefined && suites.includes(suite) && components.includes('main')) return uri;
    }
  }
  return undefined;
}

interface Entry {
  uris: string[];
  suites: string[];
  components: string[];
}

/** deb822, see sources.list(5): paragraphs of `Key: value`, continued by lines that begin with a blank. */
function paragraphs(text: string): Entry[] {
  const withoutComments = text.replaceAll(/^#.*\n?/gm, '');
  return withoutComments.split(/\n\s*\n/).flatMap((paragraph) => {
    const field = (key: string) => {
      const match = new RegExp(`^${key}:(.*(?:\\n[ \\t].*)*)`, 'im').exec(paragraph);
      return (match?.[1] ?? '').split(/\s+/).filter((word) => word !== '');
    };
    if (!field('Types').includes('deb') || field('Enabled').includes('no')) return [];
    return [{ uris: field('URIs'), suites: field('Suites'), components: field('Components') }];
  });
}

/** `deb [options] URI SUITE COMPONENT...` */
function oneLiners(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (match === null) return [];
    const [, uri = '', suite = '', components = ''] = match;
    return [{ uris: [uri], suites: [suite], components: components.trim().split(/\s+/) }];
  });
}

export function machineMirror(suite: string, directory = '/etc/apt'): string | undefined {
  const names = [join(directory, 'sources.list'), ...listed(join(directory, 'sources.list.d'))];
  const files = names.flatMap((name) => {
    try {
      return [{ name, text: readFileSync(name, 'utf8') }];
    } catch {
      return [];
    }
  });
  return mirrorFrom(files, suite);
}

/** The proxy apt is told to use, which debootstrap does not look for by itself. */
export function machineProxy(): string | undefined {
  try {
    const said = execFileSync('apt-config', ['shell', 'proxy', 'Acquire::http::Proxy'], {
      encoding: 'utf8',
      timeout: 5000,
    });
    return /^proxy='(.+)'/m.exec(said)?.[1];
  } catch {
    return undefined;
  }
}

function listed(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => /\.(list|sources)$/.test(name));
    return names.sort().map((name) => join(directory, name));
  } catch {
    return [];
  }
}
