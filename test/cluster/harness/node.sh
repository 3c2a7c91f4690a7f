#!/bin/bash
# The first process of the node's own mount, pid and network namespaces: what it mounts, and whatever runs in a pod,
# goes when it ends. Arguments: the cluster's folder, containerd's settings, the image's archive, then the kubelet's
# command line. Run by node.ts.
set -eu
folder=$1 image=$2
shift 2

# Both have fixed places for sockets, namespaces and logs.
mount -t tmpfs tmpfs /run
mkdir -p /var/log/containers /run/netns
mount -t tmpfs tmpfs /var/log
mkdir -p /var/log/containers

# Where the pods' bridge is: a network of its own, so that the machine's has nothing of it.
touch /run/netns/pods-switch
unshare --net=/run/netns/pods-switch ip link set lo up

containerd --config "$folder/containerd.toml" >"$folder/containerd.log" 2>&1 &
containerd=$!
for _ in $(seq 300); do
  if ctr --address "$folder/containerd.sock" version >/dev/null 2>&1; then break; fi
  kill -0 "$containerd"
  sleep 0.1
done
ctr --address "$folder/containerd.sock" --namespace k8s.io images import "$image"

"$@" &
wait -n
