import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freezerState } from './freezer.ts';

describe("the kernel's word about a frozen container", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'freezer-test-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  async function file(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }

  // prettier-ignore
  const cases: [string, string, string, string, string | undefined][] = [
    ['version 1, frozen',   '4:freezer:/docker/c1\n', 'freezer/docker/c1/freezer.state', 'FROZEN\n',   'frozen'],
    ['version 1, on the way', '4:freezer:/docker/c1\n', 'freezer/docker/c1/freezer.state', 'FREEZING\n', 'running'],
    ['version 1, thawed',   '4:freezer:/docker/c1\n', 'freezer/docker/c1/freezer.state', 'THAWED\n',   'running'],
    ['version 2, frozen',   '0::/docker/c1\n',        'docker/c1/cgroup.events', 'populated 1\nfrozen 1\n', 'frozen'],
    ['version 2, running',  '0::/docker/c1\n',        'docker/c1/cgroup.events', 'populated 1\nfrozen 0\n', 'running'],
    ['both, version 1 used', '4:freezer:/docker/c1\n0::/docker/c1\n', 'freezer/docker/c1/freezer.state', 'FROZEN\n', 'frozen'],
    ["another machine's process of that number", '0::/user.slice\n', 'user.slice/cgroup.events', 'frozen 1\n', undefined],
    ['no such group to read', '0::/docker/c1\n',      'other', '', undefined],
  ];
  for (const [what, cgroup, path, text, expected] of cases) {
    it(`is ${expected ?? 'unknown'}: ${what}`, async () => {
      await file('proc/7/cgroup', cgroup);
      await file(join('sys/fs/cgroup', path), text);
      assert.equal(freezerState('c1', 7, root), expected);
    });
  }

  it('is unknown without such a process', () => assert.equal(freezerState('c1', 7, root), undefined));
});
