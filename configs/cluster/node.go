package cluster

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"bedside/configs/cluster/services"

	"github.com/jackc/pgx/v5/pgconn"
)

// Node is a Bedside process of one role. It reaches the services through links of its own.
type Node struct {
	services.Service
	URL   string
	links []*services.Link
}

func (c *Cluster) newNode(o Options, role string, number int, shared []string) (*Node, error) {
	address, err := services.FreeAddress()
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s-%d", role, number)
	n := &Node{URL: "http://" + address}
	env, err := n.openLinks(c)
	if err != nil {
		return nil, errors.Join(err, n.closeLinks())
	}
	env = append(env, shared...)
	if role == "media" {
		env = append(env, "BEDSIDE_MEDIA_ENDPOINT=ws://"+address+"/ws")
	}
	n.Service = services.Service{
		Name: name, Path: o.Binary, Env: env, Log: filepath.Join(o.Dir, name+".log"),
		Args: []string{
			"serve", "--role", role, "--listen", address, "--data", filepath.Join(o.Dir, name),
		},
		Ready: services.Answers(n.URL + "/health/ready"),
	}
	return n, nil
}

// openLinks opens a link to each service and returns the settings that lead through them.
func (n *Node) openLinks(c *Cluster) (env []string, err error) {
	database, err := pgconn.ParseConfig(c.database.URL())
	if err != nil {
		return nil, err
	}
	port := strconv.Itoa(int(database.Port))
	address := n.link(&err, "unix", filepath.Join(database.Host, ".s.PGSQL."+port))
	env = append(env, fmt.Sprintf("DATABASE_URL=postgres://%s@%s/%s?sslmode=disable",
		database.User, address, database.Database))
	env = append(env, "REDIS_URL=redis://"+n.link(&err, "tcp", c.Redis.Address))
	var urls []string
	for _, s := range c.NATS {
		urls = append(urls, "nats://"+n.link(&err, "tcp", s.Address))
	}
	return append(env, "NATS_URL="+strings.Join(urls, ","),
		"BEDSIDE_BLOB_URL="+services.S3URL(n.link(&err, "tcp", c.S3.Address)),
		"BEDSIDE_S3_ACCESS_KEY="+c.S3.AccessKey, "BEDSIDE_S3_SECRET_KEY="+c.S3.SecretKey), err
}

// link opens a link and returns its address. It does nothing after an error.
func (n *Node) link(err *error, network, target string) string {
	if *err != nil {
		return ""
	}
	var l *services.Link
	if l, *err = services.OpenLink(network, target); *err != nil {
		return ""
	}
	n.links = append(n.links, l)
	return l.Address()
}

// Cut separates the process from every service, but not from its clients.
func (n *Node) Cut() {
	for _, l := range n.links {
		l.Cut()
	}
}

// Restore ends a Cut.
func (n *Node) Restore() {
	for _, l := range n.links {
		l.Restore()
	}
}

func (n *Node) closeLinks() error {
	var errs []error
	for _, l := range n.links {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
