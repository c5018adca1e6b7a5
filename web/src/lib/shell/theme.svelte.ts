export type Theme = 'system' | 'light' | 'dark';

const KEY = 'bedside.theme';

/** The chosen theme. The script in app.html applies it before the first paint. */
class ThemeChoice {
	value = $state<Theme>(read());

	choose(theme: Theme): void {
		this.value = theme;
		if (theme === 'system') delete document.documentElement.dataset.theme;
		else document.documentElement.dataset.theme = theme;
		try {
			if (theme === 'system') localStorage.removeItem(KEY);
			else localStorage.setItem(KEY, theme);
		} catch {
			// Storage is blocked: the choice lasts until the page is closed.
		}
	}
}

function read(): Theme {
	const theme = document.documentElement.dataset.theme;
	return theme === 'light' || theme === 'dark' ? theme : 'system';
}

export const theme = new ThemeChoice();
