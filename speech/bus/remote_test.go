package bus

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bedside/speech/frame"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"
)

// remote starts a NATS server that listens on a port, as an operator would run it, and returns its
// address.
func remote(t *testing.T, o server.Options) (s *server.Server, url string) {
	t.Helper()
	o.Host, o.NoSigs, o.NoLog = "127.0.0.1", true, true
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	if o.StoreDir == "" {
		o.StoreDir = t.TempDir()
	}
	s, err := server.NewServer(&o)
	must(t, err)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the NATS server does not start")
	}
	return s, s.ClientURL()
}

func TestProcessesShareARemoteServer(t *testing.T) {
	if !alone(t) {
		return
	}
	dir := t.TempDir()
	s, url := remote(t, server.Options{JetStream: true, StoreDir: dir})
	media, worker := open(t, Config{URL: url}), open(t, Config{URL: url})
	ready := make(chan string, 1)
	stop, err := media.SubscribeReportReady(t.Context(), "a", func(problem string) {
		ready <- problem
	})
	must(t, err)
	defer stop()

	must(t, media.Begin(t.Context(), "a", time.Now()))
	w := writer(t, media, "a", "candidate")
	sent := writeFrames(w, 0, 100, 0)
	c := claim(t, worker)
	h := received{frames: map[string][]frame.Frame{}}
	for len(h.frames["candidate"]) < 100 {
		d, err := c.Next(t.Context())
		must(t, err)
		h.add(d)
	}

	port := s.Addr().(*net.TCPAddr).Port
	s.Shutdown()
	s.WaitForShutdown()
	sent = append(sent, writeFrames(w, 100, 200, 0)...)
	remote(t, server.Options{JetStream: true, StoreDir: dir, Port: port})
	sent = append(sent, writeFrames(w, 200, 300, 0)...)
	must(t, media.Finish(t.Context(), "a"))
	rest := receiveAll(t, c)
	equalFrames(t, "all", append(h.frames["candidate"], rest.frames["candidate"]...), sent)
	must(t, c.Done(t.Context()))
	must(t, worker.PublishReportReady(t.Context(), "a", ""))
	if problem := <-ready; problem != "" {
		t.Errorf("the report has the problem %q", problem)
	}
}

func TestOpenErrorsNameTheCause(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	_, plain := remote(t, server.Options{})
	_, small := remote(t, server.Options{JetStream: true, MaxPayload: 4096})
	_, locked := remote(t, server.Options{JetStream: true, Username: "bedside", Password: "open"})
	for name, c := range map[string]struct {
		cfg  Config
		says []string
	}{
		"a file where the folder should be": {Config{Dir: file}, []string{file}},
		"no server": {
			Config{URL: "nats://me:secret@127.0.0.1:1"}, []string{"127.0.0.1:1"},
		},
		"no port after a password": {
			Config{URL: "nats://127.0.0.1:1,nats://me:secret@127.0.0.1:port"},
			[]string{"store.nats_url", "address 2"},
		},
		"a slash in the password": {
			Config{URL: "nats://me:se/secret@127.0.0.1:1"}, []string{"store.nats_url", "%2F"},
		},
		"no JetStream":       {Config{URL: plain}, []string{"JetStream"}},
		"messages too small": {Config{URL: small}, []string{"max_payload", "4096"}},
		"wrong password": {
			Config{URL: strings.Replace(locked, "//", "//bedside:secret@", 1)},
			[]string{"Authorization", "127.0.0.1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			reg := prometheus.NewRegistry()
			b, err := Open(t.Context(), c.cfg, quiet(), reg)
			if err == nil {
				t.Fatalf("opened: %v", b.Close(t.Context()))
			}
			for _, want := range c.says {
				if !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%q contains the password", err)
			}
			if m, err := reg.Gather(); err != nil || len(m) != 0 {
				t.Errorf("metrics stay behind: %v, %v", m, err)
			}
		})
	}
}

func TestOneBusPerMetricsRegistry(t *testing.T) {
	reg := prometheus.NewRegistry()
	b, err := Open(t.Context(), Config{Dir: t.TempDir()}, quiet(), reg)
	must(t, err)
	if second, err := Open(t.Context(), Config{Dir: t.TempDir()}, quiet(), reg); err == nil {
		t.Errorf("two in one registry: %v", second.Close(context.Background()))
	}
	must(t, b.Close(context.Background()))
	b, err = Open(t.Context(), Config{Dir: t.TempDir()}, quiet(), reg)
	must(t, err)
	must(t, b.Close(context.Background()))
}

func TestSmallDiskLimitsTheLog(t *testing.T) {
	b := open(t, Config{Dir: t.TempDir(), MaxBytes: 1 << 60})
	info, err := b.audio.Info(t.Context())
	must(t, err)
	if got := info.Config.MaxBytes; got <= 0 || got >= 1<<60 {
		t.Errorf("the log may hold %d bytes", got)
	}
}
