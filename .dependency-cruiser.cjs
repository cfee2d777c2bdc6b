/**
 * The arrows of the design: an import that is not one of them is an error.
 * Each row is a folder and what it may import besides itself; `docs/architecture.md` draws them.
 */
const arrows = {
  'generator/text': [],
  'generator/syntax': ['generator/text'],
  'generator/schema': ['generator/syntax', 'generator/text'],
  'generator/doc': ['generator/schema', 'generator/syntax', 'generator/text'],
  'generator/compare': ['generator/schema', 'generator/syntax', 'generator/text'],
  'generator/emit': ['generator/compare', 'generator/doc', 'generator/schema', 'generator/syntax', 'generator/text'],
  'runtime/json': [],
  'runtime/visit': ['runtime/json'],
  'runtime/qmp': ['runtime/json'],
  generated: ['runtime'],
  'runtime/block': ['generated', 'runtime/visit', 'runtime/qmp', 'runtime/json'],
  generator: [],
  runtime: ['generated'],
  testkit: ['generator', 'runtime'],
  upgrade: ['generator'],
  cli: ['testkit', 'upgrade', 'generator', 'runtime', 'generated'],
};

/** What stands on nothing, and the contract between layer and drivers, which stands on that. */
const ground = [
  'errno',
  'error',
  'file-name',
  'limits',
  'options',
  'passed-socket',
  'permissions',
  'small-file',
  'tls',
  'units',
];
const contract = [...ground, 'driver', 'driver-info', 'clock', 'abilities', 'request-flag'];
const ideas = ['io', 'graph', 'transaction', 'bitmaps', 'nbd', 'backend', 'jobs', 'drive', 'objects'];

/**
 * The arrows inside `runtime/block`: each row is a folder or module of it, and what it may import of it besides itself.
 * A folder or module without a row is an error.
 */
const blockArrows = {
  errno: [],
  error: ['errno'],
  'file-name': [],
  limits: [],
  units: [],
  options: ['error', 'limits', 'units'],
  'passed-socket': ['error'],
  permissions: [],
  'small-file': ['error', 'file-name'],
  tls: ['error'],
  abilities: [],
  'request-flag': [],
  clock: [],
  'driver-info': [],
  driver: [...ground, 'driver-info', 'clock', 'abilities', 'request-flag'],
  'system-clock': ['clock'],
  transaction: [],
  io: contract,
  drivers: [...contract, 'io/status', 'io/tracker', 'nbd/protocol', 'nbd/byte-reader', 'nbd/connection'],
  nbd: [],
  graph: [...contract, 'io', 'transaction'],
  bitmaps: [...contract, 'graph', 'io'],
  backend: [...contract, 'graph', 'io', 'nbd', 'bitmaps'],
  jobs: [
    ...contract,
    'drivers/shared/filter',
    'drivers/shared/past',
    'backend',
    'graph',
    'bitmaps',
    'io',
    'transaction',
  ],
  drive: [...contract, 'backend', 'graph'],
  objects: contract,
  commands: [...contract, ...ideas],
  'built-in-drivers': [...contract, 'drivers', 'graph'],
  layer: [...contract, ...ideas, 'commands', 'built-in-drivers', 'system-clock'],
};

/** The one folder that may use a package; what no row names may use none. */
const owners = {
  chevrotain: 'generator/syntax',
  diff: 'generator/emit',
  handlebars: 'generator/emit',
  commander: 'cli',
  sucrase: 'cli',
  pino: 'cli',
  'basic-ftp': 'runtime/block/drivers/ftp',
  fzstd: 'runtime/block/drivers/shared',
  koffi: 'runtime/block/drivers/file|runtime/block/drivers/gluster|runtime/qmp/abstract',
  'ts-morph': 'upgrade',
};

/** A regular expression for the files of some folders. */
const under = (folders) => `^(${folders.join('|')})/`;

/** The same for folders and modules, which need no file ending, inside of one folder. */
const within = (folder, names) => `^${folder}/(${names.join('|')})(/|[.]ts$)`;

const folderRules = Object.entries(arrows).map(([folder, targets]) => ({
  name: `arrows-from-${folder.replace('/', '-')}`,
  comment: `${folder} imports ${[folder, ...targets].join(', ')} and nothing else of the project.`,
  severity: 'error',
  from: { path: under([folder]) },
  to: {
    path: under(['generator', 'generated', 'runtime', 'testkit', 'upgrade', 'cli', 'test', 'bench']),
    pathNot: under([folder, ...targets]),
  },
}));

const insideBlock = (from, targets) => ({
  name: `arrows-in-block-from-${from}`,
  comment: `Inside runtime/block, ${from} imports ${[from, ...targets].join(', ')} and nothing else.`,
  severity: 'error',
  from: { path: within('runtime/block', [from]) },
  to: { path: '^runtime/block/', pathNot: within('runtime/block', [from, ...targets]) },
});

const blockRules = [
  ...Object.entries(blockArrows).map(([from, targets]) => insideBlock(from, targets)),
  {
    name: 'no-driver-knows-another',
    comment: 'What two drivers need is in drivers/shared.',
    severity: 'error',
    from: { path: '^runtime/block/drivers/([^/.]+)' },
    to: { path: '^runtime/block/drivers/', pathNot: '^runtime/block/drivers/($1|shared)(/|[.]ts$)' },
  },
  {
    name: 'no-unlisted-block-folder',
    comment: 'Each folder and module of runtime/block has a row of arrows.',
    severity: 'error',
    from: { path: '^runtime/block/', pathNot: within('runtime/block', ['index', ...Object.keys(blockArrows)]) },
    to: {},
  },
];

const ownerRules = Object.entries(owners).map(([name, folders]) => ({
  name: `only-${folders.replace(/[/|]/g, '-')}-uses-${name}`,
  comment: `One folder knows ${name}, so that it can be replaced there.`,
  severity: 'error',
  from: { path: under(['generator', 'generated', 'runtime', 'testkit', 'upgrade', 'cli']), pathNot: under([folders]) },
  to: { path: `node_modules/${name}/` },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...folderRules,
    ...blockRules,
    ...ownerRules,
    {
      name: 'no-other-package',
      comment: 'The project stands on the packages that .dependency-cruiser.cjs names.',
      severity: 'error',
      from: { path: under(['generator', 'generated', 'runtime', 'testkit', 'upgrade', 'cli']) },
      to: { path: 'node_modules/', pathNot: `node_modules/(${Object.keys(owners).join('|')})/` },
    },
    {
      name: 'no-index-from-inside',
      comment: 'An index.ts is for people outside: inside, import the module that has the thing.',
      severity: 'error',
      from: { path: under(['generator', 'runtime']) },
      to: { path: '^(generator|runtime)/index[.]ts$' },
    },
    {
      name: 'no-cycle',
      comment:
        'Two modules that need each other are one module, or lack a third. (Catalogue and diagnostics share types only.)',
      severity: 'error',
      from: { pathNot: '^generator/text/' },
      to: { circular: true },
    },
    {
      name: 'no-unresolved',
      comment: 'Every import leads somewhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // TypeScript 7 has no compiler API. This parser sees type-only imports too.
    parser: 'swc',
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
