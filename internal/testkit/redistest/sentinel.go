//go:build unix

package redistest

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
)

// MasterName is the name under which the Sentinels know their master.
const MasterName = "main"

// Sentinels is a trio of Sentinels with a master and its replicas. Each of these servers has a proxy in front: Sentinels,
// the other server and clients reach it through the proxy, whose address the Sentinels report.
type Sentinels struct {
	Servers   []*Server           // the first one is the first master
	Proxies   []*faultproxy.Proxy // the proxy of each server
	Sentinels []*Server
}

// StartSentinels starts the servers and Sentinels, which end with the test. A master that does not answer is replaced
// about 1.5 s after [Options.DownAfter].
func (f Flavor) StartSentinels(t testing.TB, o Options) *Sentinels {
	t.Helper()
	return f.StartReplicas(t, 1, o)
}

// StartReplicas works like [Flavor.StartSentinels], with a number of replicas. The methods Failover and WaitMaster need one.
func (f Flavor) StartReplicas(t testing.TB, replicas int, o Options) *Sentinels {
	t.Helper()
	set := &Sentinels{}
	for range 1 + replicas {
		set.addServer(t, f, o)
	}
	master := set.Proxies[0].Addr()
	for _, s := range set.Servers[1:] {
		s.Do(t, "REPLICAOF", "127.0.0.1", portOf(t, master))
	}
	for range 3 {
		set.addSentinel(t, f, o, master)
	}
	eventually(t, "the Sentinels know each other and the replica", func() bool {
		for _, s := range set.Sentinels {
			if s.masterField("num-slaves") != fmt.Sprint(replicas) || s.masterField("num-other-sentinels") != "2" {
				return false
			}
		}
		for _, s := range set.Servers[1:] {
			if s.Info(t, "master_link_status") != "up" {
				return false
			}
		}
		return true
	})
	for _, s := range set.Sentinels {
		s.Do(t, "SENTINEL", "SET", MasterName, "down-after-milliseconds", cmp.Or(o.DownAfter, 2*time.Second).Milliseconds())
	}
	return set
}

func (set *Sentinels) addServer(t testing.TB, f Flavor, o Options) {
	t.Helper()
	proxy := faultproxy.New(t)
	o.Lines = append([]string{
		"replica-announce-ip 127.0.0.1", fmt.Sprint("replica-announce-port ", portOf(t, proxy.Addr())),
		"repl-diskless-sync-delay 0", "repl-ping-replica-period 1", "repl-timeout 5",
	}, o.Lines...)
	s := f.Start(t, o)
	proxy.Serve(s.Addr)
	set.Servers, set.Proxies = append(set.Servers, s), append(set.Proxies, proxy)
}

func (set *Sentinels) addSentinel(t testing.TB, f Flavor, o Options, master string) {
	t.Helper()
	// The master is not replaced before all are ready, even if a busy machine keeps it from an answer.
	lines := []string{
		"protected-mode no", "bind 127.0.0.1", fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d 2", MasterName, portOf(t, master)),
		"sentinel down-after-milliseconds " + MasterName + " 60000", "sentinel failover-timeout " + MasterName + " 5000",
	}
	if o.Password != "" {
		lines = append(lines, fmt.Sprintf("sentinel auth-pass %s %s", MasterName, o.Password))
	}
	s, err := f.launch(t, lines, "", func(s *Server) []string { s.sentinel = true; return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.end(t) })
	set.Sentinels = append(set.Sentinels, s)
}

// Addrs returns the addresses of the Sentinels.
func (set *Sentinels) Addrs() (addrs []string) {
	for _, s := range set.Sentinels {
		addrs = append(addrs, s.Addr)
	}
	return addrs
}

// Master returns the index of the server that most Sentinels report as the master, or -1 if there is none.
func (set *Sentinels) Master() int {
	votes := make([]int, len(set.Proxies))
	for _, s := range set.Sentinels {
		reply, err := s.TryDo("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterName)
		addr, _ := reply.([]any)
		if err != nil || len(addr) != 2 {
			continue
		}
		for i, proxy := range set.Proxies {
			if proxy.Addr() == fmt.Sprintf("%v:%v", addr[0], addr[1]) {
				votes[i]++
			}
		}
	}
	for i, n := range votes {
		if n > len(set.Sentinels)/2 {
			return i
		}
	}
	return -1
}

// WaitMaster waits until the server with the index i is the master and accepts writes.
func (set *Sentinels) WaitMaster(t testing.TB, i int) {
	t.Helper()
	eventually(t, fmt.Sprintf("server %d is the master", i), func() bool {
		if set.Master() != i {
			return false
		}
		_, err := set.Servers[i].TryDo("SET", "redistest:written", 1)
		return err == nil
	})
}

// Failover makes the other server the master, as a planned change, and returns its index. It waits until the old master
// follows the new one, so that another Failover can follow.
func (set *Sentinels) Failover(t testing.TB) int {
	t.Helper()
	old := set.Master()
	if old < 0 {
		t.Fatal("the Sentinels know no master")
	}
	eventually(t, "a Sentinel begins the failover", func() bool {
		_, err := set.Sentinels[0].TryDo("SENTINEL", "FAILOVER", MasterName)
		return err == nil
	})
	set.WaitMaster(t, 1-old)
	eventually(t, "the old master follows the new one", func() bool {
		reply, err := set.Servers[old].TryDo("INFO", "replication") // it closes connections while it changes
		text, _ := reply.(string)
		return err == nil && fieldOf(text, "role") == "slave" && fieldOf(text, "master_link_status") == "up"
	})
	return 1 - old
}

// Isolate cuts the server with the index i off from the Sentinels, the other server and the clients that use the address
// of its proxy. The server itself runs on, and a client that dials [Server.Addr] reaches it.
func (set *Sentinels) Isolate(i int) { set.Proxies[i].Cut() }

// Rejoin ends an Isolate.
func (set *Sentinels) Rejoin(i int) { set.Proxies[i].Heal() }

// masterField returns a field of the master as the Sentinel s knows it, or "" if it does not answer.
func (s *Server) masterField(name string) string {
	reply, _ := s.TryDo("SENTINEL", "MASTER", MasterName)
	fields, _ := reply.([]any)
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == name {
			value, _ := fields[i+1].(string)
			return value
		}
	}
	return ""
}

func portOf(t testing.TB, addr string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}
