import { expect, it, vi } from 'vitest';
import { keepFocus } from './keep-focus';

it('takes over the focus of an element that is removed', async () => {
	document.body.innerHTML = '<div tabindex="-1"><button>a</button><button>b</button></div>';
	const container = document.querySelector('div') as HTMLElement;
	const [first, second] = container.querySelectorAll('button');
	const stop = keepFocus(container);
	first?.focus();
	second?.remove();
	await new Promise((done) => setTimeout(done));
	expect(document.activeElement).toBe(first);
	first?.remove();
	await vi.waitUntil(() => document.activeElement === container);
	stop();
});
