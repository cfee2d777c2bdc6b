/** What files with declarations have that some of them, the doors, lead to: their texts, by path. */
export declare function declarationsBehind(doors: readonly string[]): Map<string, string>;
