package example;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.Executors;

/** Writes a report whenever somebody asks for one, and answers with its name. */
public final class Reports {
    private static final Path FOLDER = Path.of(System.getenv().getOrDefault("REPORTS", "out"));

    private Reports() {}

    public static void main(String[] args) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.createContext("/health", exchange -> answer(exchange, 200, "ok\n"));
        server.createContext("/reports", Reports::report);
        server.start();
    }

    private static void report(HttpExchange exchange) throws IOException {
        Instant now = Instant.now();
        Path file = Files.createTempFile(FOLDER, "report-", ".txt");
        Files.writeString(file, "All is well at " + now + "\n");
        answer(exchange, 201, file.getFileName() + "\n");
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, body.length);
        try (exchange) {
            exchange.getResponseBody().write(body);
        }
    }
}
