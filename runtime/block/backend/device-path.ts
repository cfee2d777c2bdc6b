/** Where the tree of objects has the virtual devices, by their ids. */
export const devicePath = '/machine/peripheral/';
