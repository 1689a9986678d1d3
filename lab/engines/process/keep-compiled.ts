import { flushCompileCache } from 'node:module';

// Loaded first by every member and by the service. Node writes its compile cache when it ends by itself, and a server of a lab is killed.
setTimeout(flushCompileCache, 1500).unref();
