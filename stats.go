package actionhero

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Stats collects the sections of the report that the action status returns. Transports and other components add a
// section each.
type Stats struct {
	api    *API
	global *globalCounts

	mu       sync.Mutex
	sections []statsSection
	ports    []int
}

// newStats returns the Stats of api. In a cluster, the report lists the ids of the live nodes.
func newStats(api *API) *Stats {
	s := &Stats{api: api, global: newGlobalCounts(api)}
	if api.Cluster.Shared() {
		s.Section("peers", func(ctx context.Context) (any, error) {
			peers, err := api.Cluster.Peers(ctx)
			ids := make([]string, len(peers))
			for i := range peers {
				ids[i] = peers[i].ID
			}
			return ids, err
		})
	}
	return s
}

type statsSection struct {
	name string
	read func(ctx context.Context) (any, error)
}

// Section adds a section with this name to the report, or replaces the section with this name. [Stats.Report] calls
// read for the value of the section, while it reads other sections, too. If read is nil, the section is removed. A transport adds its section when it
// starts and removes the section when it stops.
func (s *Stats) Section(name string, read func(ctx context.Context) (any, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sections = slices.DeleteFunc(s.sections, func(x statsSection) bool { return x.name == name })
	if read != nil {
		s.sections = append(s.sections, statsSection{name, read})
	}
}

// Report calls the read functions of all sections at the same time and returns the values in a map with the names of the sections as
// keys. If read functions fail, panic or end their goroutines, Report leaves out their sections and returns their errors
// together with the other sections.
func (s *Stats) Report(ctx context.Context) (map[string]any, error) {
	s.mu.Lock()
	sections := slices.Clone(s.sections)
	s.mu.Unlock()
	values, errs := make([]any, len(sections)), make([]error, len(sections))
	var wg sync.WaitGroup
	for i := range sections { // at once: while the backend is away, each of its sections takes as long as its time limit
		wg.Go(func() {
			errs[i] = s.api.hook(func() (err error) {
				values[i], err = sections[i].read(ctx)
				return err
			})
		})
	}
	wg.Wait()
	report := make(map[string]any, len(sections))
	for i, section := range sections {
		err := errs[i]
		if err == nil {
			report[section.name] = values[i]
			continue
		}
		if failure, ok := errors.AsType[*Error](err); ok && failure.Code == CodeInternal && failure.Err != nil {
			err = failure.Err // the operator reads it
		}
		errs[i] = fmt.Errorf("the section %q of the status: %w", section.name, err)
	}
	return report, errors.Join(errs...)
}

// listening implements transport.Host.Listening, which documents the method.
func (s *Stats) listening(port int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.ports, port) {
		s.ports = append(s.ports, port)
	}
}

// forgetPorts removes the ports of the previous start from the name of this node, because a transport without a fixed
// port listens on a different port after each start.
func (s *Stats) forgetPorts() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ports = nil
}

// ID returns the name of this node: Config.ID, or if that is empty, the address of this machine and the ports on which
// the node listens, for example "192.0.2.2:8080:5000". In a cluster, it is the [Peer.ID] of this node, which is random if
// Config.ID is empty.
func (s *Stats) ID() string {
	if s.api.cfg.ID != "" || s.api.Cluster.Shared() {
		return s.api.nodeID()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var id strings.Builder
	id.WriteString(hostAddress())
	for _, port := range s.ports {
		id.WriteString(":" + strconv.Itoa(port))
	}
	return id.String()
}

// hostAddress returns the first IPv4 address of this machine that other machines could reach, or the loopback address.
var hostAddress = sync.OnceValue(func() string {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
})
