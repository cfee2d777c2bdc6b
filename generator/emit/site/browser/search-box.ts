import { type Hit, type Searchable, type SearchEntry, search, searchable } from './rank.js';

/** Searches as one types: a combobox, whose list is under it. `/` goes there, arrows choose, Enter opens, Escape leaves. */
export function listenForSearch(): void {
  const form = document.querySelector<HTMLFormElement>('#search');
  const input = document.querySelector<HTMLInputElement>('#question');
  const list = document.querySelector<HTMLUListElement>('#found');
  const status = document.querySelector<HTMLElement>('#status');
  if (!form || !input || !list || !status) return;
  form.hidden = false;
  new SearchBox(form, input, list, status).listen();
}

class SearchBox {
  readonly #form: HTMLFormElement;
  readonly #input: HTMLInputElement;
  readonly #list: HTMLUListElement;
  readonly #status: HTMLElement;
  readonly #root = document.body.dataset.root ?? '';
  #hits: readonly Hit[] = [];
  #chosen = -1;
  #entries: Promise<Searchable> | undefined;

  constructor(form: HTMLFormElement, input: HTMLInputElement, list: HTMLUListElement, status: HTMLElement) {
    this.#form = form;
    this.#input = input;
    this.#list = list;
    this.#status = status;
  }

  listen(): void {
    this.#input.addEventListener('focus', () => void this.#load());
    this.#input.addEventListener('input', () => void this.#update());
    this.#input.addEventListener('keydown', (event) => this.#key(event));
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#open(Math.max(0, this.#chosen));
    });
    document.addEventListener('keydown', (event) => {
      const isTyping = event.target instanceof HTMLElement && /^(?:input|textarea|select)$/i.test(event.target.tagName);
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.#input.focus();
      this.#input.select();
    });
    document.addEventListener('click', (event) => {
      if (!this.#form.contains(event.target as Node)) this.#close();
    });
  }

  /** The index is a script, which pages in files may load, and is loaded for those that search only. */
  #load(): Promise<Searchable> {
    this.#entries ??= new Promise((resolve, reject) => {
      const script = document.createElement('script');
      script.src = `${this.#root}search-index.js`;
      script.onload = () => {
        const { qapiSearchIndex = [] } = globalThis as { qapiSearchIndex?: readonly SearchEntry[] };
        resolve(searchable(qapiSearchIndex));
      };
      script.onerror = () => reject(new Error('the search index cannot be loaded'));
      document.head.append(script);
    });
    return this.#entries;
  }

  async #update(): Promise<void> {
    const question = this.#input.value;
    const entries = await this.#load();
    if (question !== this.#input.value) return;
    this.#hits = search(entries, question);
    this.#chosen = this.#hits.length > 0 ? 0 : -1;
    this.#list.replaceChildren(...this.#hits.map((hit, index) => this.#option(hit, index)));
    const isAsked = question.trim() !== '';
    this.#status.textContent = isAsked && this.#hits.length === 0 ? `Nothing is found for “${question.trim()}”` : '';
    this.#show(isAsked && this.#hits.length > 0);
    this.#mark();
  }

  #option({ entry, member }: Hit, index: number): HTMLLIElement {
    const option = document.createElement('li');
    option.id = `found-${index}`;
    option.setAttribute('role', 'option');
    const name = document.createElement('strong');
    name.textContent = member ? `${entry.name} › ${member[0]}` : entry.name;
    const kind = document.createElement('small');
    kind.textContent = ` ${entry.kind} `;
    const summary = document.createElement('span');
    summary.textContent = entry.summary;
    option.append(name, kind, summary);
    option.addEventListener('mousedown', (event) => {
      event.preventDefault();
      this.#open(index);
    });
    return option;
  }

  #key(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && this.#hits.length > 0) {
      event.preventDefault();
      this.#chosen = (this.#chosen + step + this.#hits.length) % this.#hits.length;
      this.#mark();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      if (this.#list.hidden) this.#input.blur();
      this.#close();
    }
  }

  #mark(): void {
    [...this.#list.children].forEach((option, index) => {
      option.setAttribute('aria-selected', String(index === this.#chosen));
      if (index === this.#chosen) option.scrollIntoView({ block: 'nearest' });
    });
    if (this.#chosen >= 0) this.#input.setAttribute('aria-activedescendant', `found-${this.#chosen}`);
    else this.#input.removeAttribute('aria-activedescendant');
  }

  #open(index: number): void {
    const hit = this.#hits[index];
    if (!hit) return;
    this.#close();
    // It may be on this page.
    this.#input.value = '';
    this.#input.blur();
    location.href = `${this.#root}${hit.entry.path}${hit.member ? `#${hit.member[1]}` : ''}`;
  }

  #close(): void {
    this.#hits = [];
    this.#chosen = -1;
    this.#status.textContent = '';
    this.#show(false);
    this.#mark();
  }

  #show(visible: boolean): void {
    this.#list.hidden = !visible;
    this.#input.setAttribute('aria-expanded', String(visible));
  }
}
