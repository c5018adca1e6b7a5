export type Quality = 'unknown' | 'good' | 'fair' | 'poor';

/** Counters of the call at one moment: sums over incoming streams, and what the server reports. */
export interface QualitySample {
	received: number;
	lost: number;
	jitterS: number;
	roundTripS: number;
	/** The fraction of our packets that the server missed, 0 to 1. */
	lostOutward: number;
}

interface AnyStats {
	type: string;
	kind?: string;
	packetsReceived?: number;
	packetsLost?: number;
	jitter?: number;
	roundTripTime?: number;
	fractionLost?: number;
	nominated?: boolean;
	currentRoundTripTime?: number;
}

export function sampleOf(report: Iterable<AnyStats>): QualitySample {
	const sample: QualitySample = {
		received: 0,
		lost: 0,
		jitterS: 0,
		roundTripS: 0,
		lostOutward: 0
	};
	for (const s of report) {
		if (s.type === 'inbound-rtp' && s.kind === 'audio') {
			sample.received += s.packetsReceived ?? 0;
			sample.lost += Math.max(0, s.packetsLost ?? 0);
			sample.jitterS = Math.max(sample.jitterS, s.jitter ?? 0);
		} else if (s.type === 'remote-inbound-rtp') {
			sample.roundTripS = Math.max(sample.roundTripS, s.roundTripTime ?? 0);
			sample.lostOutward = Math.max(sample.lostOutward, s.fractionLost ?? 0);
		} else if (s.type === 'candidate-pair' && s.nominated) {
			sample.roundTripS = Math.max(sample.roundTripS, s.currentRoundTripTime ?? 0);
		}
	}
	return sample;
}

/** Judges the quality of the call between two samples. */
export function judge(before: QualitySample | undefined, now: QualitySample): Quality {
	if (!before) return 'unknown';
	const received = Math.max(0, now.received - before.received);
	const lost = Math.max(0, now.lost - before.lost);
	const inward = received + lost > 0 ? lost / (received + lost) : 0;
	const loss = Math.max(inward, now.lostOutward);
	if (loss > 0.08 || now.roundTripS > 0.5 || now.jitterS > 0.1) return 'poor';
	if (loss > 0.02 || now.roundTripS > 0.25 || now.jitterS > 0.04) return 'fair';
	return 'good';
}
