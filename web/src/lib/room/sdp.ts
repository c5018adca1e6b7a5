/**
 * Adds generic NACK (RFC 4585) for Opus to this browser's own offer or answer, before it becomes
 * the local description. Chromium repairs lost audio packets, sent and received, only when its own
 * descriptions ask for it, and never asks by itself.
 */
export function withOpusNack(sdp: string): string {
	const [session = '', ...media] = sdp.split(/(?=^m=)/m);
	return session + media.map(nacked).join('');
}

function nacked(section: string): string {
	if (!section.startsWith('m=audio ')) return section;
	return section.replace(/^a=rtpmap:(\d+) opus\/48000.*\r\n/gim, (line, payload: string) => {
		const nack = `a=rtcp-fb:${payload} nack\r\n`;
		return section.includes(nack) ? line : line + nack;
	});
}
