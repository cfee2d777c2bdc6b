/** A guest for `-machine pc`: a boot sector that shuts the machine down when its power button is pressed, by the ACPI ports that SeaBIOS sets up. */
export function powerButtonGuest(): Buffer {
  return bootSector(
    [0xba, 0x02, 0x06], // mov dx, 602h: events that are enabled
    [0xb8, 0x00, 0x01], // mov ax, 100h: the power button
    [0xef], // out dx, ax
    [0xba, 0x00, 0x06], // mov dx, 600h: events that have occurred
    [0xed], // again: in ax, dx
    [0xf6, 0xc4, 0x01], // test ah, 1
    [0x74, 0xfa], // jz again
    [0xba, 0x04, 0x06], // mov dx, 604h: control
    [0xb8, 0x00, 0x20], // mov ax, 2000h: sleep, and so deeply that the power is off
    [0xef], // out dx, ax
    [0xf4], // hlt
  );
}

/** A guest that takes no notice of its power button. */
export function stubbornGuest(): Buffer {
  return bootSector([0xeb, 0xfe]); // again: jmp again
}

function bootSector(...code: number[][]): Buffer {
  const sector = Buffer.alloc(512);
  sector.set(code.flat());
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}
