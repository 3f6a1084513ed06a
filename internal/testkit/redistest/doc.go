// Package redistest starts servers of Redis and Valkey for tests: one server, a Cluster of masters, or Sentinels with a
// master and a replica. The servers listen on free ports of the loopback interface and write to folders of their own.
// They are killed when the test ends, and also when the process of the test dies.
//
// Begin with [Flavor], which starts servers, and [Server], which stops, kills, pauses and restarts one. A test that needs
// no server of its own uses [Flavor.Shared] with keys that begin with [Prefix].
//
// .ci/needs installs the programs. On Linux, a missing Redis fails a test. A missing Valkey skips it, unless the
// environment variable CI is set, because not every system has a package of Valkey. On other systems both skip.
package redistest
