// What of DevTools the tests use; bundled by load.mjs.
export {HeapSnapshotLoader} from 'chrome-devtools-frontend/front_end/entrypoints/heap_snapshot_worker/HeapSnapshotLoader.ts';
export {SecondaryInitManager} from 'chrome-devtools-frontend/front_end/entrypoints/heap_snapshot_worker/HeapSnapshot.ts';
export {NodeFilter} from 'chrome-devtools-frontend/front_end/models/heap_snapshot/HeapSnapshotModel.ts';
