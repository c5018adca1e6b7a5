package services

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// NATS is a running nats-server with JetStream, one of a cluster.
type NATS struct {
	Service
	Address string // host:port
}

// URL returns the server's address for store.nats_url.
func (n *NATS) URL() string { return "nats://" + n.Address }

// NATSURLs returns the addresses of all servers for store.nats_url.
func NATSURLs(servers []*NATS) string {
	var urls []string
	for _, n := range servers {
		urls = append(urls, n.URL())
	}
	return strings.Join(urls, ",")
}

// StartNATS starts a cluster of n servers with their files and their logs in dir, and waits until
// its JetStream works. The caller stops each server.
func StartNATS(ctx context.Context, dir string, n int) ([]*NATS, error) {
	path, err := Find("nats-server")
	if err != nil {
		return nil, err
	}
	addresses, err := freeAddresses(3 * n)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var routes []string
	for _, a := range addresses[n : 2*n] {
		routes = append(routes, "nats://"+a)
	}
	var servers []*NATS
	stop := func(err error) ([]*NATS, error) {
		for _, s := range servers {
			s.Kill()
		}
		return nil, err
	}
	for i := range n {
		name := fmt.Sprintf("nats-%d", i+1)
		// Clients are not told of the other servers: they use the addresses in their settings,
		// which may be those of a Link.
		text := fmt.Sprintf(`server_name: %s
listen: %s
http: %s
jetstream { store_dir: %q }
`, name, addresses[i], addresses[2*n+i], filepath.Join(dir, name))
		if n > 1 {
			text += fmt.Sprintf(
				"cluster { name: bedside, listen: %s, no_advertise: true, routes: [%s] }\n",
				addresses[n+i], strings.Join(routes, ", "))
		}
		file := filepath.Join(dir, name+".conf")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return stop(err)
		}
		s := &NATS{Address: addresses[i], Service: Service{
			Name: name, Path: path, Args: []string{"--config", file},
			Log:   filepath.Join(dir, name+".log"),
			Ready: Answers("http://" + addresses[2*n+i] + "/healthz"),
		}}
		if err := s.Launch(); err != nil {
			return stop(err)
		}
		servers = append(servers, s)
	}
	for _, s := range servers {
		if err := s.Wait(ctx); err != nil {
			return stop(err)
		}
	}
	return servers, nil
}
