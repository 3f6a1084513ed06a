package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/actionhero-go/actionhero/bench/internal/proc"
)

// server is what contenders store their jobs in.
type server interface {
	addr() string
	cpu(ctx context.Context) (time.Duration, error) // the processor time that it has used
	reads(ctx context.Context) (int64, error)       // how often it read commands of a client; 0 if it does not count that
	clear(ctx context.Context) error                // deletes all data
}

// redisServer is a server of Redis on processor 0. It appends all writes to a file, which it syncs each second.
type redisServer struct {
	*proc.Server
	client  *redis.Client
	version string
}

func startRedis(ctx context.Context) (*redisServer, error) {
	at, err := proc.FreeAddr()
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(at, ":")
	s, err := proc.Start(ctx, "Redis", at, nil, "redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "",
		"--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0", "--maxmemory-policy", "noeviction")
	if err != nil {
		return nil, err
	}
	r := &redisServer{Server: s, client: redis.NewClient(&redis.Options{Addr: at})}
	r.version = "Redis " + r.info(ctx, "redis_version")
	return r, nil
}

func (r *redisServer) addr() string { return r.Addr }

func (r *redisServer) stop() {
	_ = r.client.Close()
	_ = r.Stop()
}

func (r *redisServer) clear(ctx context.Context) error { return r.client.FlushAll(ctx).Err() }

// info returns a field of the answer to INFO, or "".
func (r *redisServer) info(ctx context.Context, field string) string {
	text, _ := r.client.Info(ctx, "everything").Result()
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (r *redisServer) cpu(ctx context.Context) (time.Duration, error) {
	sum := 0.0
	text, err := r.client.Info(ctx, "cpu").Result()
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_sys" || name == "used_cpu_user" {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return 0, err
			}
			sum += seconds
		}
	}
	return time.Duration(sum * 1e9), err
}

// reads counts commands that arrive together as one. The counts of commands themselves have those of scripts, too.
func (r *redisServer) reads(ctx context.Context) (int64, error) {
	return strconv.ParseInt(r.info(ctx, "total_reads_processed"), 10, 64)
}

// postgresServer is a server of Postgres on processor 0, with its default settings.
type postgresServer struct {
	*proc.Server
	data string
}

// startPostgres starts the server. Postgres refuses to run as root, so root starts it as the user postgres.
func startPostgres(ctx context.Context) (*postgresServer, error) {
	programs, _ := filepath.Glob("/usr/lib/postgresql/15/bin/postgres") // where Debian puts it
	if len(programs) == 0 {
		return nil, errors.New("there is no Postgres 15: install the package postgresql-15")
	}
	data, err := os.MkdirTemp("", "bench-postgres")
	if err != nil {
		return nil, err
	}
	p := &postgresServer{data: data}
	var prefix []string
	if os.Getuid() == 0 {
		account, err := user.Lookup("postgres")
		if err != nil {
			return nil, errors.Join(err, os.RemoveAll(data))
		}
		uid, _ := strconv.Atoi(account.Uid)
		gid, _ := strconv.Atoi(account.Gid)
		if err := os.Chown(data, uid, gid); err != nil {
			return nil, errors.Join(err, os.RemoveAll(data))
		}
		prefix = []string{"setpriv", "--reuid=" + account.Uid, "--regid=" + account.Gid, "--clear-groups"}
	}
	init := append(prefix, filepath.Join(filepath.Dir(programs[0]), "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync")
	command := exec.CommandContext(ctx, init[0], init[1:]...)
	command.Dir = data
	if out, err := command.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), os.RemoveAll(data))
	}
	at, err := proc.FreeAddr()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	_, port, _ := strings.Cut(at, ":")
	p.Server, err = proc.Start(ctx, "Postgres", at, nil, append(prefix, programs[0], "-D", data, "-h", "127.0.0.1", "-p", port, "-k", data)...)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	return p, nil
}

func (p *postgresServer) addr() string { return p.Addr }

func (p *postgresServer) cpu(context.Context) (time.Duration, error) { return p.FamilyCPU() }

func (p *postgresServer) reads(context.Context) (int64, error) { return 0, nil }

// clear does nothing: River empties its tables when it opens.
func (p *postgresServer) clear(context.Context) error { return nil }

func (p *postgresServer) stop() {
	_ = p.Stop()
	_ = os.RemoveAll(p.data)
}
