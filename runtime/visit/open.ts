/** A value of an enum, or one that a newer server has added to it. The known ones are still completed by editors. */
export type Open<E extends string> = E | (string & {});
