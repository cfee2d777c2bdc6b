import {
  type QCryptoCipherAlgorithm,
  type QCryptoCipherMode,
  QCryptoHashAlgorithm,
  QCryptoIVGenAlgorithm,
} from '../../../../../generated/index.js';
import { BlockError } from '../../../error.js';

/** How the sectors of a volume are encrypted, and with it the key material in its header. */
export interface CipherSpec {
  readonly algorithm: QCryptoCipherAlgorithm;
  readonly mode: LuksMode;
  readonly ivGenerator: QCryptoIVGenAlgorithm;
  /** For `essiv`, which needs one; other generators have no use for it. */
  readonly ivHash?: QCryptoHashAlgorithm | undefined;
}

/** The texts by which a header says the same, and the length of the key. */
export interface CipherNames {
  /** `aes` */
  readonly name: string;
  /** `xts-plain64`, `cbc-essiv:sha256` */
  readonly mode: string;
  /** Bytes. XTS takes two keys, of half the length each. */
  readonly keyLength: number;
}

const ciphers = {
  'aes-128': ['aes', 16],
  'aes-192': ['aes', 24],
  'aes-256': ['aes', 32],
  'cast5-128': ['cast5', 16],
  'serpent-128': ['serpent', 16],
  'serpent-192': ['serpent', 24],
  'serpent-256': ['serpent', 32],
  'twofish-128': ['twofish', 16],
  'twofish-192': ['twofish', 24],
  'twofish-256': ['twofish', 32],
} satisfies { readonly [name in QCryptoCipherAlgorithm]?: readonly [name: string, keyLength: number] };

/** The modes of ciphers that a header can name. */
export const luksModes = ['ecb', 'cbc', 'xts'] as const satisfies readonly QCryptoCipherMode[];

type LuksMode = (typeof luksModes)[number];

type LuksCipher = keyof typeof ciphers;

/** The ciphers that a header can name. Those of other formats and protocols, which the schema knows, are none of them. */
export const luksCiphers = Object.keys(ciphers) as LuksCipher[];

/** @throws BlockError (EINVAL) for what no header can express */
export function namesOf(spec: CipherSpec): CipherNames {
  const { algorithm, mode, ivGenerator, ivHash } = spec;
  if (!isLuksCipher(algorithm)) throw invalid(`the cipher '${algorithm}' is not one for volumes`);
  const [name, keyLength] = ciphers[algorithm];
  return {
    name,
    mode: `${mode}-${ivGenerator}${ivHash === undefined ? '' : `:${ivHash}`}`,
    keyLength: mode === 'xts' ? 2 * keyLength : keyLength,
  };
}

/** @throws BlockError (EINVAL) for what is unknown or does not fit together */
export function specOf({ name, mode: text, keyLength }: CipherNames): CipherSpec {
  const [modeText = '', ivText] = split(text, '-');
  const mode = luksModes.find((known) => known === modeText);
  if (mode === undefined) throw invalid(`its cipher mode '${text}' does not begin with ecb, cbc or xts`);
  if (ivText === undefined) {
    throw invalid(`its cipher mode '${text}' names no IV generator: '${text}-plain64' would do`);
  }
  const [generator, hashText] = split(ivText, ':');
  const ivGenerator = QCryptoIVGenAlgorithm.find((known) => known === generator);
  if (ivGenerator === undefined) throw invalid(`its IV generator '${generator}' is unknown`);
  const ivHash = QCryptoHashAlgorithm.find((known) => known === hashText);
  if (ivGenerator === 'essiv' && ivHash === undefined) {
    throw invalid(`its IV generator needs a known hash function, not '${hashText ?? ''}'`);
  }
  const single = mode === 'xts' ? keyLength / 2 : keyLength;
  const algorithm = luksCiphers.find((known) => ciphers[known][0] === name && ciphers[known][1] === single);
  if (algorithm === undefined) throw invalid(`no cipher '${name}' in mode '${mode}' has keys of ${keyLength} bytes`);
  return { algorithm, mode, ivGenerator, ivHash: ivGenerator === 'essiv' ? ivHash : undefined };
}

function isLuksCipher(algorithm: QCryptoCipherAlgorithm): algorithm is LuksCipher {
  return algorithm in ciphers;
}

function split(text: string, mark: string): [string, string?] {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function invalid(problem: string): BlockError {
  return new BlockError(`The LUKS volume cannot be used: ${problem}`, { code: 'EINVAL' });
}
