package main

import (
	"log/slog"
	"math"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bedside/signaling/client"
	"bedside/signaling/client/rehearsal"
	"bedside/store/postgres/embedded"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/pion/webrtc/v4"
)

// services are the PostgreSQL cluster, the NATS server and the folder that several Bedside
// processes share. The test owns them.
type services struct {
	t       *testing.T
	dir     string
	cluster *embedded.Cluster
	nats    *server.Server

	natsOptions server.Options // to start it again
}

func startServices(t *testing.T) *services {
	t.Helper()
	// Not t.TempDir, which has the name of the test: other processes connect to a UNIX socket
	// here, whose path must be short.
	dir, err := os.MkdirTemp("", "bedside")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	s := &services{t: t, dir: dir}
	s.startDatabase()
	t.Cleanup(func() {
		if s.cluster != nil {
			s.stopDatabase()
		}
	})
	s.natsOptions = server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: filepath.Join(
			s.dir, "nats"), NoSigs: true, NoLog: true,
	}
	s.startNATS()
	t.Cleanup(s.stopNATS)
	return s
}

// startNATS starts NATS, or starts it again at the same address.
func (s *services) startNATS() {
	options := s.natsOptions // NewServer changes it
	var err error
	if s.nats, err = server.NewServer(&options); err != nil {
		s.t.Fatal(err)
	}
	s.nats.Start()
	if !s.nats.ReadyForConnections(10 * time.Second) {
		s.t.Fatal("NATS did not start")
	}
	s.natsOptions.Port = s.nats.Addr().(*net.TCPAddr).Port
}

func (s *services) stopNATS() {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
}

func (s *services) startDatabase() {
	s.t.Helper()
	var err error
	s.cluster, err = embedded.Start(s.t.Context(),
		embedded.Config{Dir: filepath.Join(s.dir, "postgres")}, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *services) stopDatabase() {
	if err := s.cluster.Close(s.t.Context()); err != nil {
		s.t.Error(err)
	}
	s.cluster = nil
}

// env returns the settings of a process that uses the services.
func (s *services) env() []string {
	return []string{
		"DATABASE_URL=" + s.cluster.URL(), "NATS_URL=" + s.nats.ClientURL(),
		"BEDSIDE_BLOB_URL=" +
			(&url.URL{Scheme: "file", Path: filepath.Join(s.dir, "blob")}).String(),
	}
}

func TestReportSurvivesKilledSpeechProcess(t *testing.T) {
	t.Parallel()
	shared := startServices(t)
	front := serve(t, t.TempDir(), shared.env(), "--role", "api,media")
	first := serve(t, t.TempDir(), shared.env(), "--role", "speech", "--log-level", "debug")
	p := begin(t, front.url)
	p.speak(p.speaker, spoken(t, "en-gb", 5*time.Second))
	first.kill()
	p.speak(p.speaker, spoken(t, "en-gb", 5*time.Second))
	serve(t, t.TempDir(), shared.env(), "--role", "speech")
	if err := p.speaker.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := p.report(p.candidate, time.Minute)
	checkClean(t, p.candidate,
		rehearsal.Result{Participants: map[string]client.Stats{"candidate": p.speaker.Stats()}}, r)
}

func TestReportSurvivesDatabaseOutage(t *testing.T) {
	t.Parallel()
	shared := startServices(t)
	server := serve(t, t.TempDir(), shared.env())
	p := begin(t, server.url)
	p.speak(p.speaker, spoken(t, "en-gb", 2*time.Second))
	shared.stopDatabase()
	if code, _ := get(t, server.url+"/health"); code != 200 {
		t.Errorf("/health without a database: %d", code)
	}
	awaitReadiness(t, server.url, "database")
	p.speak(p.speaker, spoken(t, "en-gb", 10*time.Second)) // the play needs no database
	if err := p.speaker.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	shared.startDatabase()
	r := p.report(p.candidate, time.Minute)
	checkClean(t, p.candidate,
		rehearsal.Result{Participants: map[string]client.Stats{"candidate": p.speaker.Stats()}}, r)
}

func TestMeasuresWithPacketLoss(t *testing.T) {
	t.Parallel()
	said := spoken(t, "en-gb", 15*time.Second)
	want := measured(analysed(t, said))
	server := serve(t, t.TempDir(), nil)
	for name, tc := range map[string]struct {
		link   impairment
		within float64 // of duration and phonation measures
	}{
		"5 % lost":  {impairment{loss: 0.05, seed: 1}, 0.05},
		"20 % lost": {impairment{loss: 0.20, seed: 2}, 0.10},
		"5 % lost, swapped, and repeated": {
			impairment{loss: 0.05, swap: 0.05, repeat: 0.05, seed: 3}, 0.05,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			network := newImpairedNet(t, tc.link)
			p := begin(t, server.url, func(c *client.Config) {
				c.Settings = func(s *webrtc.SettingEngine) { s.SetNet(network) }
			})
			p.speak(p.speaker, said)
			if err := p.speaker.Finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			sent := int(p.speaker.Stats().Sent.Packets)
			r := p.report(p.candidate, time.Minute)
			f := r.Speakers[0].Frames
			if network.dropped() == 0 {
				t.Error("the link lost no datagram, so this test shows nothing")
			}
			checkCounts(t, f, sent)
			if f.Corrupt != 0 {
				t.Errorf("the report counts %+v", f)
			}
			got := measured(r.Speakers[0].Analysis.Measures)
			for _, name := range []string{
				"SpeechDurationS", "PhonationTimeS", "PhonationTimeRatio", "SyllableCount",
				"F0MedianHz",
			} {
				if math.Abs(got[name]-want[name]) > tc.within*want[name] {
					t.Errorf("%s is %.3f, without loss %.3f; want it within %v", name, got[name],
						want[name], tc.within)
				}
			}
			t.Logf("sent %d, link dropped %d datagrams, report counts %+v", sent,
				network.dropped(), f)
		})
	}
}
