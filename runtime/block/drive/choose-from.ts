import { nearMiss } from '../../visit/near-miss.js';
import { invalid } from '../error.js';

/** A value that must be one of a few. @throws BlockError when it is none of them */
export function chooseFrom<Word extends string>(key: string, value: string, words: readonly Word[]): Word {
  const word = words.find((candidate) => candidate === value);
  if (word !== undefined) return word;
  const near = nearMiss(value, words);
  const hint = near === undefined ? `it can be ${words.join(', ')}` : `did you mean '${near}'?`;
  throw invalid(`'${key}' cannot be '${value}'; ${hint}`);
}
