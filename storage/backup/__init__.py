"""A keyspace's rows out of Cassandra and back again, with their write times and their lives.

Rows are read and written through the native protocol, not taken as snapshots of files: that needs no access to
the nodes' disks and no JMX (the embedded servers have no JMX port on purpose), includes what is in memory only,
and fits a cluster of another size.
"""
