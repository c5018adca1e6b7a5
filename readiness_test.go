package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"bedside/api/health"

	"github.com/jackc/pgx/v5"
)

// readiness returns the answer of /health/ready and the names of the parts that are not ok.
func readiness(t *testing.T, url string) (code int, answer health.Answer, failed []string) {
	t.Helper()
	code, body := get(t, url+"/health/ready")
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%v: %d %s", err, code, body)
	}
	for name, p := range answer.Parts {
		if p.Status != health.OK {
			failed = append(failed, name)
		}
	}
	slices.Sort(failed)
	return code, answer, failed
}

// awaitReadiness waits until exactly these parts have failed; none: until the server is ready.
func awaitReadiness(t *testing.T, url string, want ...string) {
	t.Helper()
	status := 200
	if len(want) > 0 {
		status = 503
	}
	what := fmt.Sprintf("the parts that failed to be %q", want)
	eventually(t, 20*time.Second, what, func() bool {
		code, _, failed := readiness(t, url)
		return code == status && slices.Equal(failed, want)
	})
}

// administer runs a statement as the owner of the services' database.
func (s *services) administer(sql ...string) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.cluster.URL())
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(s.t.Context())
	for _, q := range sql {
		if _, err := conn.Exec(s.t.Context(), q); err != nil {
			s.t.Fatalf("%s: %v", q, err)
		}
	}
}

// redisServer is a Redis process on a port that it keeps over restarts.
type redisServer struct {
	t    *testing.T
	addr string
	cmd  *exec.Cmd
}

func startRedis(t *testing.T) *redisServer {
	t.Helper()
	need(t, "redis-server")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &redisServer{t: t, addr: l.Addr().String()}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r.start()
	t.Cleanup(r.kill)
	return r
}

func (r *redisServer) start() {
	r.t.Helper()
	_, port, _ := net.SplitHostPort(r.addr)
	r.cmd = exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "",
		"--dir", r.t.TempDir())
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	eventually(r.t, 10*time.Second, "Redis to listen", func() bool {
		conn, err := net.Dial("tcp", r.addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func (r *redisServer) kill() {
	r.cmd.Process.Kill()
	r.cmd.Wait() // reports the kill
}

// Each store in turn refuses writes, and accepts them again.
func TestReadinessFollowsTheStores(t *testing.T) {
	t.Parallel()
	shared, redis := startServices(t), startRedis(t)
	env := append(shared.env(), "REDIS_URL=redis://"+redis.addr)
	server := serve(t, t.TempDir(), env)
	awaitReadiness(t, server.url)

	shared.administer("ALTER SYSTEM SET default_transaction_read_only = on",
		"SELECT pg_reload_conf()")
	awaitReadiness(t, server.url, "database")
	if _, body := get(t, server.url+"/health/ready"); strings.Contains(body, "read-only") ||
		strings.Contains(body, shared.dir) {
		t.Errorf("the answer tells strangers why: %s", body)
	}
	shared.administer("SET default_transaction_read_only = off",
		"ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
	awaitReadiness(t, server.url)

	redis.kill()
	awaitReadiness(t, server.url, "redis")
	redis.start()
	awaitReadiness(t, server.url)

	// A file in place of the folder: permissions do not hold root.
	blob := filepath.Join(shared.dir, "blob")
	if err := errors.Join(os.Rename(blob, blob+".kept"),
		os.WriteFile(blob, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	awaitReadiness(t, server.url, "recordings")
	if err := errors.Join(os.Remove(blob), os.Rename(blob+".kept", blob)); err != nil {
		t.Fatal(err)
	}
	awaitReadiness(t, server.url)

	// Nothing of the checks is left in the folder.
	server.Process.Signal(os.Interrupt)
	server.wait(30 * time.Second)
	files, err := filepath.Glob(filepath.Join(blob, "ready", "*"))
	if err != nil || len(files) > 0 {
		t.Errorf("the recordings' folder has %q, %v", files, err)
	}
}

func TestReadinessOfRoles(t *testing.T) {
	t.Parallel()
	shared, redis := startServices(t), startRedis(t)
	env := append(shared.env(), "REDIS_URL=redis://"+redis.addr,
		"BEDSIDE_AUTH_KEY="+strings.Repeat("k", 64), "BEDSIDE_MEDIA_ENDPOINT=ws://127.0.0.1/ws")
	for role, want := range map[string][]string{
		"api":    {"database", "disk", "nats", "recordings", "recordings-disk", "redis"},
		"media":  {"database", "disk", "nats", "redis", "udp"},
		"speech": {"database", "disk", "nats", "recordings", "recordings-disk"},
	} {
		server := serve(t, t.TempDir(), append(env, "BEDSIDE_MEDIA_DRAIN=1h"), "--role", role)
		code, answer, _ := readiness(t, server.url)
		var parts []string
		for name := range answer.Parts {
			parts = append(parts, name)
		}
		slices.Sort(parts)
		if code != 200 || !slices.Equal(parts, want) {
			t.Errorf("role %s: %d, parts %q, want %q", role, code, parts, want)
		}
		if role != "api" {
			continue
		}
		server.terminate()
		server.waitFor("No role play is live; stopping in", 10*time.Second)
		eventually(t, 5*time.Second, "a load balancer to see that it stops", func() bool {
			code, body := get(t, server.url+"/health/ready?parts=database")
			return code == 503 && strings.Contains(body, `"status":"draining"`)
		})
	}
}

func TestReadinessNeedsSpace(t *testing.T) {
	t.Parallel()
	server := serve(t, t.TempDir(), []string{"BEDSIDE_STORE_MIN_FREE_MB=1000000000"})
	awaitReadiness(t, server.url, "disk")
}

// TestReadinessOfTheUDPPort blocks the port in a network namespace of its own.
func TestReadinessOfTheUDPPort(t *testing.T) {
	t.Parallel()
	if !inNetworkNamespace(t) {
		return
	}
	const port = "45678"
	server := serve(t, t.TempDir(), []string{"BEDSIDE_MEDIA_UDP=127.0.0.1:" + port})
	awaitReadiness(t, server.url)
	command(t, "nft", "add table inet block; "+
		"add chain inet block input { type filter hook input priority 0; policy accept; }; "+
		"add rule inet block input udp dport "+port+" drop")
	awaitReadiness(t, server.url, "udp")
	command(t, "nft", "delete table inet block")
	awaitReadiness(t, server.url)
}

// inNetworkNamespace returns true in a network namespace that belongs to the test alone, with a
// loopback interface. Outside it runs the test in one, and returns false when that is done.
func inNetworkNamespace(t *testing.T) bool {
	t.Helper()
	const inside = "BEDSIDE_TEST_NETWORK"
	if os.Getenv(inside) != "" {
		os.Unsetenv(inside) // the server knows no such setting
		command(t, "ip", "link", "set", "lo", "up")
		return true
	}
	if runtime.GOOS != "linux" {
		t.Skip("network namespaces need Linux")
	}
	for _, program := range []string{"unshare", "nft", "ip"} {
		need(t, program)
	}
	args := []string{"--net"}
	if os.Getuid() != 0 {
		args = append(args, "--map-root-user")
	}
	args = append(args, os.Args[0], "-test.v", "-test.run", "^"+t.Name()+"$")
	cmd := exec.Command("unshare", args...)
	cmd.Env = append(os.Environ(), inside+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in a network namespace: %v\n%s", err, tail(string(out), 20_000))
	}
	return false
}
