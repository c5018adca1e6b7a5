package services

import (
	"context"
	"net"
	"os"
	"path/filepath"
)

// Redis is a running redis-server, which keeps everything in memory.
type Redis struct {
	Service
	Address string // host:port
}

// StartRedis starts a server with its log in dir. The caller stops it.
func StartRedis(ctx context.Context, dir string) (*Redis, error) {
	path, err := Find("redis-server")
	if err != nil {
		return nil, err
	}
	address, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	r := &Redis{Address: address, Service: Service{
		Name: "redis", Path: path, Log: filepath.Join(dir, "redis.log"),
		Args:  []string{"--bind", host, "--port", port, "--save", "", "--dir", dir},
		Ready: accepts(address),
	}}
	return r, r.Start(ctx)
}

// URL returns the address for store.redis_url.
func (r *Redis) URL() string { return "redis://" + r.Address }
