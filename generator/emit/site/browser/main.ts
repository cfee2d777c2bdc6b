import { listenForSearch } from './search-box.js';
import { listenForTheme } from './theme.js';

listenForTheme();
listenForSearch();
