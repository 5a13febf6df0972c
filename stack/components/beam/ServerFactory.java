package org.apache.beam.sdk.fn.server;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.beam.model.pipeline.v1.Endpoints.ApiServiceDescriptor;
import org.apache.beam.sdk.fn.channel.SocketAddressFactory;
import org.apache.beam.vendor.grpc.v1p60p1.io.grpc.BindableService;
import org.apache.beam.vendor.grpc.v1p60p1.io.grpc.Server;
import org.apache.beam.vendor.grpc.v1p60p1.io.grpc.ServerInterceptors;
import org.apache.beam.vendor.grpc.v1p60p1.io.grpc.netty.NettyServerBuilder;

/**
 * What Flink loads in place of Beam's class of this name (see beam_on_loopback.py). Beam's calls
 * NettyServerBuilder.forPort, which binds every interface, and this one forAddress, on ports of a known range. Left out are the factories
 * for containers and Unix sockets, which Flink does not ask for.
 */
public abstract class ServerFactory {
    /** A client that is told no better pings every 20 s; a server that expects fewer pings would hang up. */
    private static final int SHORTEST_PING_S = 19;

    /** "17500-17599": the ports to choose from. */
    private static final String PORTS = System.getenv("VITRINE_FLINK_BEAM_PORTS");

    public static ServerFactory createDefault() {
        return new OnLoopback();
    }

    /** Starts a server on a free port and writes its address into described. */
    public abstract Server allocateAddressAndCreate(
            List<BindableService> services, ApiServiceDescriptor.Builder described) throws IOException;

    /** Starts a server on the address that described has. */
    public abstract Server create(List<BindableService> services, ApiServiceDescriptor described)
            throws IOException;

    private static class OnLoopback extends ServerFactory {
        @Override
        public Server allocateAddressAndCreate(
                List<BindableService> services, ApiServiceDescriptor.Builder described) throws IOException {
            InetAddress loopback = InetAddress.getLoopbackAddress();
            Server server = startOnOneOf(PORTS, services, loopback);
            described.setUrl(loopback.getHostName() + ":" + server.getPort());
            return server;
        }

        /** Without a range any free port; with one, so that a rule can name it, the first that is free. */
        private static Server startOnOneOf(String range, List<BindableService> services, InetAddress loopback)
                throws IOException {
            String[] ends = (range == null || range.isEmpty() ? "0-0" : range).split("-");
            IOException refused = new IOException("no port of " + range + " is free");
            for (int port = Integer.parseInt(ends[0]); port <= Integer.parseInt(ends[1]); port++) {
                try {
                    return start(services, new InetSocketAddress(loopback, port));
                } catch (IOException taken) {
                    refused.addSuppressed(taken);
                }
            }
            throw refused;
        }

        @Override
        public Server create(List<BindableService> services, ApiServiceDescriptor described) throws IOException {
            return start(services, SocketAddressFactory.createFrom(described.getUrl()));
        }

        private static Server start(List<BindableService> services, SocketAddress address) throws IOException {
            NettyServerBuilder builder = NettyServerBuilder.forAddress(address)
                    .maxInboundMessageSize(Integer.MAX_VALUE)
                    .permitKeepAliveTime(SHORTEST_PING_S, TimeUnit.SECONDS);
            for (BindableService service : services) {
                // The header by which a server knows which worker is calling.
                builder.addService(
                        ServerInterceptors.intercept(service, GrpcContextHeaderAccessorProvider.interceptor()));
            }
            return builder.build().start();
        }
    }
}
