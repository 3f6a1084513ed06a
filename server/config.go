package server

import (
	"fmt"
	"net/http"
	"os"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/config"
	"github.com/actionhero-go/actionhero/internal/logging"
	"github.com/actionhero-go/actionhero/tcp"
	"github.com/actionhero-go/actionhero/web"
	"github.com/actionhero-go/actionhero/worker"
)

// EnvPrefix begins the names of the environment's settings: httpServer.port is ACTIONHERO_HTTP_SERVER_PORT.
const EnvPrefix = "ACTIONHERO"

// Config is the configuration of a whole server, section by section as in a configuration file. The zero value works.
type Config struct {
	General     actionhero.Config `json:"general"`
	Log         LogConfig         `json:"log"`
	Cache       CacheConfig       `json:"cache"`
	CommonWeb   web.CommonConfig  `json:"commonWeb"`
	HTTPServer  web.HTTPConfig    `json:"httpServer"`
	HTTPSServer web.HTTPSConfig   `json:"httpsServer"`
	TCPServer   tcp.Config        `json:"tcpServer"`
	WebSockets  WebSocketsConfig  `json:"webSockets"`
	Tasks       TasksConfig       `json:"tasks"`

	// Mount serves handlers of one's own on the web server, by pattern of http.ServeMux.
	Mount map[string]http.Handler `json:"-"` // default: none
}

// LogConfig is the section log.
type LogConfig struct {
	Logging     actionhero.Switch `json:"logging" doc:"write a log at all"`                                    // default: on
	LogRequests actionhero.Switch `json:"logRequests" doc:"log a line for each request"`                       // default: on
	Level       string            `json:"level" doc:"the least that is logged: debug, info, warn or error"`    // default: info
	Console     actionhero.Switch `json:"console" doc:"log to standard output"`                                // default: on
	Format      string            `json:"format" doc:"form of the console: auto, human or json"`               // default: auto
	File        actionhero.Switch `json:"file" doc:"log to logFolder/logFile, as JSON lines"`                  // default: on
	LogFolder   string            `json:"logFolder" doc:"folder of the log file"`                              // default: ./log
	LogFile     string            `json:"logFile" doc:"name of the log file"`                                  // default: api.log
	MaxFileSize int64             `json:"maxFileSize" unit:"bytes" doc:"a log file is put aside at this size"` // default: 10 MiB
	MaxFiles    int               `json:"maxFiles" doc:"how many files put aside are kept"`                    // default: 5
}

// CacheConfig is the section cache.
type CacheConfig struct {
	MaxBytes int64 `json:"maxBytes" unit:"bytes" doc:"memory that the cache may take; more is refused"` // default: 256 MiB
}

// TasksConfig is the section tasks.
type TasksConfig struct {
	worker.Config
	local.QueueConfig

	Memory   actionhero.Switch `json:"memory" doc:"keep tasks in memory, not in path: they end with the process"`                                       // default: off
	Control  actionhero.Switch `json:"control" doc:"let the command line look after tasks, over a socket in path that only the server's user can open"` // default: on, unless tasks are in memory
	Examples actionhero.Switch `json:"examples" doc:"run the tasks that come as examples: cleanLogFiles, cleanOldCacheObjects and pingSocketClients"`   // default: off
}

// defaultTasksPath is where tasks are kept.
const defaultTasksPath = "./data"

// complete fills in where tasks are kept: path is "" for in memory.
func (c *TasksConfig) complete() {
	if c.Memory.Or(false) {
		c.Path = ""
	} else {
		actionhero.SetDefault(&c.Path, defaultTasksPath)
	}
}

// Load reads the configuration of an app: config.json, config.yaml or config.toml in dir, and over it the
// environment. The error names every setting that is unknown or does not parse.
func Load(dir string) (Config, error) {
	return load(config.Options{Dir: dir})
}

// LoadFile is [Load] with a configuration file of any name, which must exist. Its extension names its format.
func LoadFile(path string) (Config, error) {
	return load(config.Options{File: path})
}

func load(o config.Options) (cfg Config, err error) {
	o.Env, o.Prefix = os.Environ(), EnvPrefix
	err = config.Load(&cfg, o)
	return cfg, err
}

func (c *Config) logging() logging.Config {
	l := c.Log
	return logging.Config{
		Level: l.Level, Format: l.Format, Console: l.Console.Or(true) && l.Logging.Or(true),
		Folder: l.LogFolder, File: l.LogFile, NoFile: !l.File.Or(true) || !l.Logging.Or(true),
		MaxSize: l.MaxFileSize, MaxBackups: l.MaxFiles,
	}
}

// complete fills in what the parts need from each other.
func (c *Config) complete() (closeLog func() error, err error) {
	closeLog = func() error { return nil }
	if c.General.Log == nil {
		log, closer, err := logging.New(c.logging())
		if err != nil {
			return nil, fmt.Errorf("the log cannot be opened: %w", err)
		}
		c.General.Log, closeLog = log, closer.Close
	}
	c.General.LogRequests = c.General.LogRequests || c.Log.LogRequests.Or(true)
	if c.General.Backend == nil {
		c.Tasks.complete()
		c.General.Backend = local.New(local.Config{MaxBytes: c.Cache.MaxBytes, Queue: c.Tasks.QueueConfig})
		// This process is the whole cluster. What it runs has crashed when it has, and not before, and what waits for this
		// node must find it again when it has another address.
		actionhero.SetDefault(&c.Tasks.Lease, -1)
		actionhero.SetDefault(&c.Tasks.Node, "local")
	}
	return closeLog, nil
}
