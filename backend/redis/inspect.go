package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// inspect refuses a server that cannot keep the promises of the backend: one that is too old, evicts keys, or is not a
// master. It warns of one that loses its data when it ends.
func (c *core) inspect(ctx context.Context, s *session) error {
	masters := []rueidis.Client{s.client}
	if s.cluster {
		if s.db != 0 {
			return refusal{errDatabaseOfCluster(s.db).Error(), errFinal}
		}
		masters = nil
		for _, node := range s.client.Nodes() {
			masters = append(masters, node)
		}
	}
	durable := true
	for _, node := range masters {
		info, err := readInfo(ctx, node)
		if err != nil {
			if reply, ok := rueidis.IsRedisErr(err); ok && codeOf(reply.Error()) == "NOPERM" {
				c.config.Log.Warn("the Redis server was not checked, because its access control list forbids INFO to the user: make sure that its maxmemory-policy is noeviction", "server", s.addr.String())
				continue
			}
			return err
		}
		if err := info.check(s.cluster); err != nil {
			return refusal{fmt.Sprintf("the Redis server at %s %v", s.addr, err), errFinal}
		}
		if n, err := strconv.Atoi(info["connected_slaves"]); err == nil && n < c.config.WaitReplicas {
			c.config.Log.Warn("the Redis server has fewer replicas than redis.waitReplicas demands, so no task can be enqueued: start replicas, or lower the setting", "server", s.addr.String(), "replicas", n, "wanted", c.config.WaitReplicas)
		}
		durable = durable && (info["aof_enabled"] != "0" || info["connected_slaves"] != "0" || info["role"] != "master")
	}
	if !durable {
		c.config.Log.Warn("the Redis server has neither an append-only file nor replicas, so tasks and locks are lost when it ends: set its appendonly to yes, or add a replica", "server", s.addr.String())
	}
	return nil
}

// serverInfo is the reply to INFO, by field.
type serverInfo map[string]string

func readInfo(ctx context.Context, client rueidis.Client) (serverInfo, error) {
	text, err := client.Do(ctx, client.B().Info().Build()).ToString()
	info := serverInfo{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info, err
}

// check returns an error that completes the sentence "the server …".
func (i serverInfo) check(cluster bool) error {
	switch {
	case i["redis_mode"] == "sentinel":
		return errors.New("is a Sentinel: name it in redis.sentinels, and the master in redis.masterName")
	case !cluster && i["role"] == "slave":
		return fmt.Errorf("is a replica of %s:%s: name the master, or its Sentinels in redis.sentinels", i["master_host"], i["master_port"])
	case i["maxmemory_policy"] != "" && i["maxmemory_policy"] != "noeviction":
		return fmt.Errorf("has the maxmemory-policy %s, so it deletes tasks and locks when its memory is full: set it to noeviction (CONFIG SET maxmemory-policy noeviction, and in its configuration), or use a server of its own for this app", i["maxmemory_policy"])
	case i["valkey_version"] != "":
		return nil // the first version of Valkey has all that is needed
	case i["redis_version"] == "":
		return errors.New("does not report its version: use Redis or Valkey")
	case !atLeast(i["redis_version"], 6, 2):
		return fmt.Errorf("is Redis %s: use version 6.2 or later, or Valkey", i["redis_version"])
	case cluster && !atLeast(i["redis_version"], 7, 0):
		return fmt.Errorf("is Redis %s in a Cluster: use version 7.0 or later, or Valkey", i["redis_version"])
	}
	return nil
}

// atLeast reports whether a version such as "7.0.15" is major.minor or later. A version that cannot be read is not.
func atLeast(version string, major, minor int) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	a, err1 := strconv.Atoi(first)
	b, err2 := strconv.Atoi(second)
	return errors.Join(err1, err2) == nil && (a > major || a == major && b >= minor)
}
