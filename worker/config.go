package worker

import (
	"cmp"
	"fmt"
	"runtime"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/setting"
)

type filled = setting.Filled

var _ = Config{}.filled // package setting reads the field by reflection

// Config holds the settings of the worker, which are a part of the section "tasks" of the configuration. If a field is
// zero, its tag names the default that applies. In a Config that server.Load returned, a zero is the configured value,
// which the default does not replace.
type Config struct {
	filled

	Enable  *bool          `json:"enable" default:"true" doc:"run tasks on this node; enqueueing works in any case"`
	Workers int            `json:"workers" auto:"4 for each processor" min:"1" max:"100000" unit:"tasks" doc:"tasks that run at a time"`
	Queues  map[string]int `json:"queues" auto:"those that the tasks name, with equal weights" range:"weights from 1 to 1000000" doc:"queues to fetch from, each with its weight: how often its tasks come first"`
	Timeout time.Duration  `json:"timeout" default:"30m" range:"0 or less is no limit" doc:"time limit of a task that has none of its own"`
	Grace   time.Duration  `json:"grace" default:"30s" range:"0 or less is none" doc:"time that a stop waits for running tasks before it cancels and requeues them"`

	Node string `json:"-"` // name of this node among the workers; default: Stats.ID of the API
}

func (c *Config) complete() {
	setting.Fill(c)
	c.Workers = cmp.Or(c.Workers, 4*runtime.GOMAXPROCS(0))
	c.Timeout, c.Grace = max(c.Timeout, 0), max(c.Grace, 0)
}

// Check returns an error if a setting is out of range.
func (c *Config) Check() error {
	if err := setting.Check("tasks", c); err != nil {
		return err
	}
	for name, weight := range c.Queues {
		if name == "" || len(name) > backend.MaxKeyBytes {
			return fmt.Errorf("tasks.queues has the name %.32q of %d bytes: a queue has a name of 1 to %d bytes", name, len(name), backend.MaxKeyBytes)
		}
		if weight < 1 || weight > maxWeight {
			return fmt.Errorf("tasks.queues gives %q the weight %d: it must be from 1 to %d", name, weight, maxWeight)
		}
	}
	return nil
}
