package load

import "time"

// Result contains the measurements of a load test. Times are in milliseconds.
type Result struct {
	Rooms        int            `json:"rooms"`
	Participants int            `json:"participants"` // that should have joined
	Joined       int            `json:"joined"`
	Failures     map[string]int `json:"failures"` // how often each failure occurred
	DurationS    float64        `json:"duration_s"`
	// Join is from requesting the ticket until the media is connected.
	Join    Times   `json:"join_ms"`
	Packets Packets `json:"packets"`
	// Relay is from before a packet is sent until another participant has received it.
	Relay   Times    `json:"relay_latency_ms"`
	SignIns *SignIns `json:"sign_ins,omitempty"`
	CPU     *CPU     `json:"server_cpu,omitempty"`
}

// Times summarises many durations: the median, the 99th percentile and the maximum.
type Times struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

// Packets counts the packets that were sent, and those that the other participants expected and
// received. A participant expects everything from the first packet of a voice that it received.
type Packets struct {
	Sent       uint64 `json:"sent"`
	Expected   uint64 `json:"expected"`
	Received   uint64 `json:"received"`
	Lost       uint64 `json:"lost"`
	Duplicated uint64 `json:"duplicated"`
}

// LossPercent returns the share of the expected packets that were lost, in percent.
func (p Packets) LossPercent() float64 {
	if p.Expected == 0 {
		return 0
	}
	return 100 * float64(p.Lost) / float64(p.Expected)
}

// CPU is the CPU time of the server's process while everybody spoke.
type CPU struct {
	Seconds float64 `json:"seconds"`
	Cores   float64 `json:"cores"` // CPU seconds per second
	// PerForwarded includes everything the server did, also the tap and the analysis.
	PerForwarded float64 `json:"us_per_packet_received"`
}

func (r *run) result(spoken time.Duration, cpu usage) *Result {
	var relay histogram
	for _, p := range r.people() {
		p.receiver.mu.Lock()
		relay.merge(&p.receiver.latency)
		p.receiver.mu.Unlock()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	res := &Result{
		Rooms: r.cfg.Rooms, Participants: r.cfg.Rooms * r.cfg.Participants, Joined: r.joined,
		Failures: r.failures, DurationS: spoken.Seconds(), Join: r.joins.times(),
		Packets: r.count(), Relay: relay.times(), SignIns: r.signIns,
	}
	if cpu.known && spoken > 0 {
		res.CPU = &CPU{Seconds: cpu.seconds, Cores: cpu.seconds / spoken.Seconds()}
		if n := res.Packets.Received; n > 0 {
			res.CPU.PerForwarded = cpu.seconds * 1e6 / float64(n)
		}
	}
	return res
}

// count adds up what everybody has sent and received.
func (r *run) count() (c Packets) {
	for _, room := range r.rooms {
		for _, from := range room.people {
			if from.voice == nil {
				continue
			}
			sent := from.voice.sent.Load()
			c.Sent += uint64(sent)
			for _, to := range room.people {
				if to == from {
					continue
				}
				expected, received, duplicated := to.receiver.count(from.ID(), sent)
				c.Expected += expected
				c.Received += received
				c.Duplicated += duplicated
			}
		}
	}
	c.Lost = c.Expected - min(c.Received, c.Expected)
	return c
}

func (r *run) people() (all []*person) {
	for _, room := range r.rooms {
		all = append(all, room.people...)
	}
	return all
}

func (h *histogram) times() Times {
	return Times{Count: h.n, P50: ms(h.quantile(0.5)), P99: ms(h.quantile(0.99)), Max: ms(h.max)}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// report reports the progress. An empty stage means the current one.
func (r *run) report(stage Stage, left time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if stage != "" {
		r.stage = stage
		r.stageEnds = r.clock.now() + left
	}
	failed := 0
	for _, n := range r.failures {
		failed += n
	}
	r.cfg.Progress(Progress{
		Stage: r.stage, Joined: r.joined, Failed: failed, Left: max(r.stageEnds-r.clock.now(), 0),
	})
}
