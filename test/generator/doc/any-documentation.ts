import fc from 'fast-check';

/** Texts with what documentation comments consist of, and with what would break out of where they are printed. */
export const anyDocumentation = fc
  .array(
    fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.constantFrom(
        '',
        '- ',
        '- item',
        '  more',
        '1) one',
        'term',
        '.. note::',
        '.. x',
        '.. qmp-example::',
        '.. code-block:: "><script>',
        '::',
        'a::',
        '= b',
        '====  ====',
        'a     b',
        '+--+--+',
        '|a |b |',
        '+==+==+',
        '-> ',
        '   ',
        '- - - -',
        '.. note:: .. note::',
        '1. 2. 3.',
        '<script>alert(1)</script>',
        '`x" onclick="y <javascript:alert(1)>`_',
        '`x <https://example.org/"><b>>`_',
        'https://example.org/"onx=&<b>',
        ':qapi:type:`<img>`',
        '@name and @x-y.z.',
        '``</code>``',
        '*em <b>* **strong ``x``**',
        '&lt; &amp; </p></div>',
        '*/ }) \\` \\<b> \\\\<b>',
      ),
    ),
    { maxLength: 20 },
  )
  .map((lines) => lines.join('\n'));
