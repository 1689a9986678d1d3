import { rm } from 'node:fs/promises';
import { reapProcesses } from './reaper.ts';

const [labId = '', directory = ''] = process.argv.slice(2);
if (labId === '' || directory === '') {
  console.error('reaper: needs a lab id and its folder');
  process.exit(64);
}

let said = '';
for await (const chunk of process.stdin.setEncoding('utf8')) said += String(chunk);
if (!said.includes('done')) {
  await reapProcesses(labId);
  await rm(directory, { recursive: true, force: true });
}
