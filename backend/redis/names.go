package redis

import (
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/rueidis"
)

// partitions is the number of tags. It never changes, because the place of all stored keys depends on it.
const partitions = 256

// tagBytes is the length of each tag.
const tagBytes = 3

// tags returns the tag of each partition. The slots of the tags have equal distances: the slot of the tag i is in the
// i-th of 256 equal parts of the 16384 slots.
var tags = sync.OnceValue(func() *[partitions]string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	var found [partitions]string
	left := partitions
	for i := 0; left > 0 && i < len(digits)*len(digits)*len(digits); i++ {
		tag := string([]byte{digits[i/1296], digits[i/36%36], digits[i%36]})
		if p := slot(tag) / (16384 / partitions); found[p] == "" {
			found[p] = tag
			left--
		}
	}
	return &found
})

// slot returns the slot of a hash tag in a Cluster: CRC16/XMODEM modulo 16384.
func slot(tag string) int {
	crc := uint16(0)
	for i := range len(tag) {
		crc ^= uint16(tag[i]) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			if crc <<= 1; carry {
				crc ^= 0x1021
			}
		}
	}
	return int(crc) % 16384
}

// partition returns the partition of a name, from 0 to partitions-1. All nodes agree on it.
func partition(name string) int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	sum := h.Sum64()
	return int((sum ^ sum>>32) % partitions)
}

// key returns the key of a name in a partition. The kind is a lower-case word that says what the key holds, one for each
// use: "e" entries, "k" locks, "f" fences.
func (c *core) key(kind string, partition int, name string) string {
	return c.config.Prefix + ":" + kind + ":{" + tags()[partition] + "}" + name
}

// nameOf returns the name in a key of the kind, or false if the key is of another kind.
func (c *core) nameOf(kind, key string) (string, bool) {
	head := len(c.config.Prefix) + len(kind) + len("::{}") + tagBytes
	if len(key) < head || key[:head-tagBytes-1] != c.config.Prefix+":"+kind+":{" || key[head-1] != '}' {
		return "", false
	}
	return key[head:], true
}

// channel returns the channel of a name in a partition. In a Cluster it belongs to the slot of the partition, so that
// scripts can publish to it with SPUBLISH.
func (c *core) channel(s *session, kind string, partition int, name string) string {
	return c.config.Prefix + ":" + strconv.Itoa(s.db) + ":" + kind + ":{" + tags()[partition] + "}" + name
}

// publishCommand is the command with which scripts publish to a channel.
func (s *session) publishCommand() string {
	if s.cluster {
		return "SPUBLISH"
	}
	return "PUBLISH"
}

// subscribe returns the command that subscribes to channels, which must be of one partition.
func (s *session) subscribe(channels ...string) rueidis.Completed {
	if s.cluster {
		return s.client.B().Ssubscribe().Channel(channels...).Build()
	}
	return s.client.B().Subscribe().Channel(channels...).Build()
}

// unsubscribe returns the command that ends the subscription of channels, which must be of one partition.
func (s *session) unsubscribe(channels ...string) rueidis.Completed {
	if s.cluster {
		return s.client.B().Sunsubscribe().Channel(channels...).Build()
	}
	return s.client.B().Unsubscribe().Channel(channels...).Build()
}

// publish returns the command that publishes a message.
func (s *session) publish(channel, message string) rueidis.Completed {
	if s.cluster {
		return s.client.B().Spublish().Channel(channel).Message(message).Build()
	}
	return s.client.B().Publish().Channel(channel).Message(message).Build()
}

// master is a server that accepts writes.
type master struct {
	addr   string
	client rueidis.Client
}

// masters returns the masters in the order of their addresses: one, or those of the Cluster that have slots.
func (c *core) masters(ctx context.Context, s *session) ([]master, error) {
	if !s.cluster {
		return []master{{"", s.client}}, nil
	}
	m, err := c.do(ctx, repeatable, func(b rueidis.Builder) rueidis.Completed { return b.ClusterSlots().Build() })
	if err != nil {
		return nil, err
	}
	rows, err := m.ToArray()
	if err != nil {
		return nil, err
	}
	nodes := s.client.Nodes()
	var found []master
	for _, row := range rows {
		addr, err := masterOfSlots(row)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(found, func(m master) bool { return m.addr == addr }) {
			continue
		}
		client := nodes[addr]
		if client == nil { // the client learns of a new master a little later
			return nil, fmt.Errorf("the master %s of the Cluster is not connected yet: %w", addr, errUnavailable)
		}
		found = append(found, master{addr, client})
	}
	slices.SortFunc(found, func(a, b master) int { return strings.Compare(a.addr, b.addr) })
	return found, nil
}

// masterOfSlots returns the address of the master in one row of CLUSTER SLOTS.
func masterOfSlots(row rueidis.RedisMessage) (string, error) {
	fields, err := row.ToArray()
	if err != nil || len(fields) < 3 {
		return "", fmt.Errorf("the server answers CLUSTER SLOTS with a row of %d fields: %w", len(fields), err)
	}
	node, err := fields[2].ToArray()
	if err != nil || len(node) < 2 {
		return "", fmt.Errorf("the server answers CLUSTER SLOTS with a node of %d fields: %w", len(node), err)
	}
	host, err := node[0].ToString()
	if err != nil {
		return "", err
	}
	port, err := node[1].AsInt64()
	return net.JoinHostPort(host, strconv.FormatInt(port, 10)), err
}
