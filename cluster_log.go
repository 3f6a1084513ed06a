package actionhero

import (
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/actionhero-go/actionhero/backend"
)

// appModule returns the path of the module of this program. It is empty if the program has no module.
var appModule = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Path
})

// maxLoggedNodes is the number of ids in one record of the log.
const maxLoggedNodes = 16

// logNodes logs which other nodes have joined the cluster and left it. Two apps that share a prefix take each other's
// rooms, cache and schedules for their own, so nodes of another app are worth a warning.
func (c *Cluster) logNodes(joined, left []backend.Node) {
	if len(left) > 0 {
		c.api.log.Info("nodes have left the cluster", "nodes", loggedNodes(left))
	}
	if len(joined) == 0 {
		return
	}
	c.api.log.Info("nodes have joined the cluster", "nodes", loggedNodes(joined))
	for i := range joined {
		if app := detailsOf(&joined[i]).App; app != "" && appModule() != "" && app != appModule() {
			c.api.log.Warn("a node of another app is in this cluster, and shares rooms, cache, locks and tasks with this one: set redis.prefix to a different text in each app",
				"node", joined[i].ID, "app", app, "this", appModule())
			return // one is enough
		}
	}
}

// loggedNodes returns the ids of the nodes, for the log.
func loggedNodes(nodes []backend.Node) []string {
	ids := make([]string, 0, min(len(nodes), maxLoggedNodes+1))
	for i := range nodes[:min(len(nodes), maxLoggedNodes)] {
		ids = append(ids, nodes[i].ID)
	}
	if more := len(nodes) - maxLoggedNodes; more > 0 {
		ids = append(ids, fmt.Sprintf("and %d more", more))
	}
	return ids
}
