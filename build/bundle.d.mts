export declare function bundlePackage(root: string, outdir: string): Promise<string[]>;
