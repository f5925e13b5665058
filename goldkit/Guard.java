package goldkit;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme;
import org.apache.hadoop.hive.metastore.IMetaStoreClient;
import org.apache.hadoop.hive.metastore.api.Database;
import org.apache.hadoop.hive.metastore.api.MetaException;
import org.apache.hadoop.hive.metastore.api.Partition;
import org.apache.hadoop.hive.metastore.api.Table;
import org.apache.hadoop.hive.ql.metadata.Hive;
import org.apache.hadoop.util.Progressable;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.SparkPlugin;

/**
 * Asks goldkit/iam.py before the local Spark calls the catalog or S3, and fails the call as AWS's clients
 * do where the answer is no. Compiled by Janino, Spark's own compiler, which knows neither lambdas nor
 * generics: hence the casts.
 */
public class Guard {
    /** The local property of Spark's that says as which role a thread works; threads inherit it. */
    private static final String ROLE = "goldkit.role";
    /** Who may do everything: an administrator's sessions, and the endpoint itself. */
    private static final String ADMIN = "admin";

    private static final Map<String, String> ANSWERS = new ConcurrentHashMap<String, String>();
    private static volatile SparkContext context;
    private static String url;

    /** From now on, ask at `url` about files and about what `hive` is used for. */
    public static void install(String url, SparkContext context, Hive hive) throws Exception {
        Field client = Hive.class.getDeclaredField("metaStoreClient");
        client.setAccessible(true);
        ClassLoader loader = IMetaStoreClient.class.getClassLoader();
        Catalog guarded = new Catalog(hive.getMSC());
        client.set(hive, Proxy.newProxyInstance(loader, new Class[] {IMetaStoreClient.class}, guarded));
        Guard.url = url;
        Guard.context = context;
    }

    /** Forget the answers so far: the policies changed, or what was asked is to be recorded again. */
    public static void forget() {
        ANSWERS.clear();
    }

    /** Why the role may not do this; empty if it may. Each question is asked once. */
    private static String denied(String kind, List<String> names) throws IOException {
        if (context == null) {
            return "";
        }
        String role = context.getLocalProperty(ROLE);
        if (ADMIN.equals(role)) {
            return "";
        }
        String question = role + "\n" + kind + "\n" + String.join("\n", names);
        String answer = (String) ANSWERS.get(question);
        if (answer == null) {
            HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection();
            connection.setDoOutput(true);
            connection.getOutputStream().write(question.getBytes(StandardCharsets.UTF_8));
            answer = new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            ANSWERS.put(question, answer);
        }
        return answer;
    }

    /** The thread of a task works as the role that its job does, and so do the threads that it starts. */
    public static class Tasks implements SparkPlugin, ExecutorPlugin {
        public DriverPlugin driverPlugin() {
            return null;
        }

        public ExecutorPlugin executorPlugin() {
            return this;
        }

        public void onTaskStart() {
            if (context != null) {
                context.setLocalProperty(ROLE, TaskContext.get().getLocalProperty(ROLE));
            }
        }
    }

    /** Hive's client of the catalog. AWS's own has the same interface. */
    private static class Catalog implements InvocationHandler {
        private final IMetaStoreClient client;

        Catalog(IMetaStoreClient client) {
            this.client = client;
        }

        public Object invoke(Object proxy, Method method, Object[] arguments) throws Throwable {
            if (method.getName().equals("isCompatibleWith")) {
                return Boolean.TRUE; // or Hive makes another client, which nobody guards
            }
            List<String> names = new ArrayList<String>();
            names.add(method.getName());
            for (int i = 0; arguments != null && i < arguments.length; i++) {
                add(names, arguments[i]);
            }
            String denied = denied("catalog", names);
            if (!denied.isEmpty()) {
                throw new MetaException(denied);
            }
            try {
                return method.invoke(client, arguments);
            } catch (InvocationTargetException error) {
                throw error.getCause();
            }
        }

        /** Database and table that an argument names; of partitions, those of the first. */
        private static void add(List<String> names, Object argument) {
            if (argument instanceof String) {
                names.add((String) argument);
            } else if (argument instanceof Database) {
                names.add(((Database) argument).getName());
            } else if (argument instanceof Table) {
                names.add(((Table) argument).getDbName());
                names.add(((Table) argument).getTableName());
            } else if (argument instanceof Partition) {
                names.add(((Partition) argument).getDbName());
                names.add(((Partition) argument).getTableName());
            } else if (argument instanceof List) {
                for (Object item : (List) argument) {
                    add(names, item);
                    if (item instanceof Partition) {
                        break;
                    }
                }
            }
        }
    }

    /**
     * The folder behind a bucket. Objects have no permissions: Hadoop would start `ls` for those of each file that
     * is listed, which fails where the file has just gone, and `chmod` for each that is written.
     */
    public static class Bucket extends RawLocalFileSystem {
        public FileStatus getFileStatus(Path path) throws IOException {
            return object(super.getFileStatus(path));
        }

        public FileStatus[] listStatus(Path path) throws IOException {
            FileStatus[] found = super.listStatus(path);
            for (int i = 0; i < found.length; i++) {
                found[i] = object(found[i]);
            }
            return found;
        }

        private static FileStatus object(FileStatus found) {
            return new FileStatus(found.getLen(), found.isDirectory(), 1, found.getBlockSize(),
                found.getModificationTime(), found.getPath());
        }

        public void setPermission(Path path, FsPermission permission) {
        }
    }

    /**
     * The buckets, asking for the requests that Hadoop's S3A would send. A folder is an object whose key
     * ends with a slash; what is below it is not asked for one by one where it is moved or deleted with it.
     */
    public static class Files extends ViewFileSystemOverloadScheme {
        public Files() throws IOException {
            super();
        }

        private void ask(String request, Path path, String after) throws IOException {
            String key = path.toUri().getPath().replaceFirst("^/", "");
            if (key.isEmpty() && !request.equals("LIST")) {
                return; // The bucket itself is no object.
            }
            String bucket = getUri().getAuthority();
            List<String> names = new ArrayList<String>();
            names.add(request);
            names.add(bucket);
            names.add(key + after);
            String denied = denied("s3", names);
            if (!denied.isEmpty()) {
                throw new AccessDeniedException(getUri() + "/" + key, null, denied);
            }
        }

        /** HEAD finds an object; a folder is found by LIST, which also tells that there is nothing. */
        private FileStatus find(Path path) throws IOException {
            ask("HEAD", path, "");
            FileStatus found;
            try {
                found = super.getFileStatus(path);
            } catch (FileNotFoundException error) {
                found = null;
            }
            if (found == null || found.isDirectory()) {
                ask("LIST", path, "");
            }
            return found;
        }

        public FileStatus getFileStatus(Path path) throws IOException {
            find(path);
            return super.getFileStatus(path);
        }

        public FileStatus[] listStatus(Path path) throws IOException {
            ask("LIST", path, "");
            FileStatus[] found = super.listStatus(path);
            if (found.length == 0) {
                find(path);
            }
            return found;
        }

        public RemoteIterator<LocatedFileStatus> listLocatedStatus(Path path) throws IOException {
            ask("LIST", path, "");
            return super.listLocatedStatus(path);
        }

        public FSDataInputStream open(Path path, int buffer) throws IOException {
            ask("HEAD", path, "");
            ask("GET", path, "");
            return super.open(path, buffer);
        }

        public FSDataOutputStream create(Path path, FsPermission permission, boolean overwrite, int buffer,
                short replication, long block, Progressable progress) throws IOException {
            ask("LIST", path, "");
            ask("PUT", path, "");
            return super.create(path, permission, overwrite, buffer, replication, block, progress);
        }

        public FSDataOutputStream createNonRecursive(Path path, FsPermission permission, EnumSet<CreateFlag> flags,
                int buffer, short replication, long block, Progressable progress) throws IOException {
            ask("LIST", path, "");
            ask("PUT", path, "");
            return super.createNonRecursive(path, permission, flags, buffer, replication, block, progress);
        }

        /** Looks at each folder above the new one, up to the first that is there. */
        public boolean mkdirs(Path path, FsPermission permission) throws IOException {
            FileStatus found = find(path);
            for (Path above = path.getParent(); found == null && above != null; above = above.getParent()) {
                found = find(above);
            }
            ask("PUT", path, "/");
            return super.mkdirs(path, permission);
        }

        public boolean delete(Path path, boolean recursive) throws IOException {
            FileStatus found = find(path);
            if (found != null) {
                ask("DELETE", path, found.isDirectory() ? "/" : "");
            }
            return super.delete(path, recursive);
        }

        /** A copy, and then a deletion. */
        public boolean rename(Path from, Path to) throws IOException {
            FileStatus found = find(from);
            String after = found != null && found.isDirectory() ? "/" : "";
            find(to);
            ask("GET", from, after);
            ask("PUT", to, after);
            ask("DELETE", from, after);
            return super.rename(from, to);
        }
    }
}
