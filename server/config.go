package server

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"syscall"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/backend/redis"
	"github.com/actionhero-go/actionhero/internal/config"
	"github.com/actionhero-go/actionhero/internal/logging"
	"github.com/actionhero-go/actionhero/internal/setting"
	"github.com/actionhero-go/actionhero/tcp"
	"github.com/actionhero-go/actionhero/web"
	"github.com/actionhero-go/actionhero/worker"
)

// EnvPrefix is the prefix of the environment variables that set settings. For example, ACTIONHERO_HTTP_SERVER_PORT sets
// httpServer.port.
const EnvPrefix = config.DefaultPrefix

// Config is the configuration of a whole server. Each field is a section of the configuration file. The zero value
// works: a zero field means the default in the tag of that field. In a Config that [Load] returned, a zero is the
// configured value, which the default does not replace.
type Config struct {
	General     actionhero.Config `json:"general"`
	Log         LogConfig         `json:"log"`
	Redis       redis.Config      `json:"redis"`
	Cache       local.Config      `json:"cache"`
	CommonWeb   web.CommonConfig  `json:"commonWeb"`
	HTTPServer  web.HTTPConfig    `json:"httpServer"`
	HTTPSServer web.HTTPSConfig   `json:"httpsServer"`
	TCPServer   tcp.Config        `json:"tcpServer"`
	WebSockets  WebSocketsConfig  `json:"webSockets"`
	Tasks       TasksConfig       `json:"tasks"`

	origins  config.Origins // the origin of each value, from Load
	sections []section      // the app's own sections, from Load
}

type filled = setting.Filled

var _, _, _ = LogConfig{}.filled, TasksConfig{}.filled, WebSocketsConfig{}.filled // package setting reads the field by reflection

// LogConfig is the section "log" of the configuration.
type LogConfig struct {
	filled

	Logging     *bool  `json:"logging" default:"true" doc:"write a log"`
	LogRequests *bool  `json:"logRequests" default:"true" doc:"log a line for each request"`
	Level       string `json:"level" default:"info" enum:"debug,info,warn,error" doc:"lowest level that is logged"`
	Console     *bool  `json:"console" default:"true" doc:"log to standard output"`
	Format      string `json:"format" default:"auto" enum:"auto,human,json" doc:"form of the console; auto is human, with colours on a terminal"`
	File        *bool  `json:"file" default:"true" doc:"log to the file logFile in logFolder, as JSON lines"`
	LogFolder   string `json:"logFolder" default:"./log" doc:"folder of the log file"`
	LogFile     string `json:"logFile" default:"api.log" doc:"name of the log file"`
	MaxFileSize int64  `json:"maxFileSize" unit:"bytes" default:"64 MiB" min:"1" limit:"server" reached:"nothing; the next line is in a new file" doc:"size at which the log file is rotated"`
	MaxFiles    int    `json:"maxFiles" default:"128" unit:"files" range:"0 or less keeps all" limit:"server" reached:"nothing; the oldest file is removed" doc:"rotated log files to keep"`
	Compress    *bool  `json:"compress" default:"true" doc:"compress rotated log files with gzip"`
}

// TasksConfig is the section "tasks" of the configuration. It holds the settings of the worker, the queue and the
// control socket.
type TasksConfig struct {
	filled
	worker.Config
	local.QueueConfig

	Memory   bool  `json:"memory" doc:"keep tasks in memory instead of path: they are lost when the process ends"`
	Control  *bool `json:"control" default:"true" doc:"let the command line manage tasks, over a socket in path that only the user of the server can open"`
	Examples bool  `json:"examples" doc:"run the example tasks cleanLogFiles, cleanOldCacheObjects and pingSocketClients"`
}

// defaultTasksPath is the default folder of the tasks. local.QueueConfig does not have this default, because a queue of
// package local without a folder is in memory.
const defaultTasksPath = "./data"

// fill sets each unset setting to its default.
func (c *Config) fill() {
	c.Tasks.fill()
	setting.Fill(c)
}

func (c *TasksConfig) fill() {
	if !setting.IsFilled(c) {
		c.Path = cmp.Or(c.Path, defaultTasksPath)
	}
	setting.Fill(c)
}

// Load reads the configuration of an app: config.json, config.yaml or config.toml in the folder dir, and then the
// environment variables, which override the file. Load also reads each actionhero.Section in parts. The error names
// every setting that is unknown or has a malformed value.
func Load(dir string, parts ...actionhero.Part) (Config, error) {
	return load(config.Options{Dir: dir}, parts)
}

// LoadFile reads the configuration like [Load], but from the file path. The file must exist and may have any name. Its
// extension determines its format.
func LoadFile(path string, parts ...actionhero.Part) (Config, error) {
	return load(config.Options{File: path}, parts)
}

func load(o config.Options, parts actionhero.Parts) (cfg Config, err error) {
	o.Env, o.Prefix = os.Environ(), EnvPrefix
	cfg.fill()
	if cfg.sections, err = sectionsOf(parts); err != nil {
		return cfg, err
	}
	all := cfg.withSections()
	origins, err := config.Load(all.Addr().Interface(), o)
	if err != nil {
		return cfg, err
	}
	cfg.takeSections(all)
	cfg.origins = origins
	return cfg, nil
}

func (c *LogConfig) options() logging.Config {
	options := logging.Config{
		Level: c.Level, Format: c.Format, Console: *c.Console && *c.Logging,
		Folder: c.LogFolder, MaxSize: c.MaxFileSize, MaxBackups: c.MaxFiles, Compress: *c.Compress,
	}
	if *c.File && *c.Logging {
		options.File = c.LogFile
	}
	return options
}

// defaultLogFolder is the default of LogConfig.LogFolder.
const defaultLogFolder = "./log"

// open returns the logger and its file. If the default folder of the log file is not writable, for example because the
// file system is read-only, the logger writes to the console alone and warns. If the app or the file of the
// configuration names another folder, that is an error.
func (c *LogConfig) open() (*slog.Logger, logging.File, error) {
	options := c.options()
	log, file, err := logging.New(options)
	if err == nil || !options.Console || options.File == "" || c.LogFolder != defaultLogFolder || !errors.Is(err, logging.ErrNotWritable) {
		if err != nil {
			err = fmt.Errorf("the log cannot be opened: %w; the settings are log.logFolder and log.logFile, and log.file: false logs to the console alone", err)
		}
		return log, file, err
	}
	options.File = ""
	log, file, plain := logging.New(options)
	if plain == nil {
		log.Warn("the log goes to the console alone; log.logFolder names another folder, and log.file: false avoids this warning", "cause", err.Error())
	}
	return log, file, plain
}

// check returns an error if a setting of the server or of a section of the app is out of range.
func (c *Config) check() error {
	errs := []error{setting.Check("", c)}
	for _, s := range c.sections {
		errs = append(errs, setting.Check(s.name, s.settings))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if c.Tasks.Path == "" && !c.Tasks.Memory {
		return errors.New(`tasks.path is "": it must be a folder, unless tasks.memory is true`)
	}
	if err := c.Tasks.checkFolder(); err != nil {
		return err
	}
	return c.Tasks.Config.Check()
}

// checkFolder returns an error if the path of the folder of the tasks leads to or through a file.
func (c *TasksConfig) checkFolder() error {
	folder := c.Folder()
	if folder == "" {
		return nil
	}
	info, err := os.Stat(folder)
	if err == nil && !info.IsDir() || errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("tasks.path is %q, where a file is: name a folder, or set tasks.memory to true if tasks may be lost when the process ends", folder)
	}
	return nil
}

// locate adds the file and the line, or the environment variable, to each error that begins with the name of a setting.
func (c *Config) locate(err error) error {
	if err == nil {
		return nil
	}
	return config.Locate(err, c.withSections().Addr().Interface(), c.origins)
}

// complete sets the default of every unset setting. If c.General has no log, complete creates the log. If c.General has
// no backend, complete creates the backend. It returns the file of the log that it created, or nil if it created no
// log.
func (c *Config) complete() (file logging.File, err error) {
	c.fill()
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.General.Log == nil {
		if c.General.Log, file, err = c.Log.open(); err != nil {
			return nil, err
		}
	}
	c.General.LogRequests = c.General.LogRequests || *c.Log.LogRequests
	if c.General.Backend == nil {
		c.setBackend()
	}
	return file, nil
}
