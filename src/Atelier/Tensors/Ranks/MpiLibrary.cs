using System.Runtime.InteropServices;
using System.Text;

namespace Atelier.Tensors.Ranks;

/// <summary>An MPI library of this machine.</summary>
internal sealed unsafe class MpiLibrary
{
    /// <summary>The environment variable that names the library to use.</summary>
    public const string Variable = "ATELIER_MPI";

    private const int LongestVersion = 8192; // MPI_MAX_LIBRARY_VERSION_STRING of MPICH, the larger one
    private const int LongestName = 4096; // PATH_MAX of Linux

    private static readonly string[] OpenMpiNames = ["libmpi.so.40", "libmpi.40.dylib"];
    private static readonly string[] MpichNames = ["libmpich.so.12", "libmpi.so.12", "libmpi.12.dylib"];

    private MpiLibrary(nint handle, string name)
    {
        (Handle, Kind) = (handle, KindOf(handle)!.Value);
        (Version, Path) = (VersionOf(handle), PathOf(handle) ?? name);
    }

    /// <summary>The handle of the loaded library.</summary>
    public nint Handle { get; }

    /// <summary>The binary interface of the library.</summary>
    public MpiKind Kind { get; }

    /// <summary>The name and version, as the library states them, in one line.</summary>
    public string Version { get; }

    /// <summary>The file of the library.</summary>
    public string Path { get; }

    /// <summary>Finds and loads the libraries of this machine, at most one of each kind.</summary>
    public static IEnumerable<MpiLibrary> All() =>
        Enum.GetValues<MpiKind>().Select(Find).OfType<MpiLibrary>();

    /// <summary>Finds and loads the library of a kind; null if there is none.</summary>
    public static MpiLibrary? Find(MpiKind kind) =>
        (kind == MpiKind.OpenMpi ? OpenMpiNames : MpichNames).Append("libmpi.so").Select(Load)
            .FirstOrDefault(library => library?.Kind == kind);

    /// <summary>Returns the library for a process that a launcher started.</summary>
    /// <param name="launch">What the launcher says.</param>
    /// <param name="named">The library that the user named; null for the one of the launcher's kind.</param>
    /// <exception cref="AtelierException">There is none, or it is of another kind than the launcher.</exception>
    public static MpiLibrary For(RankLaunch launch, string? named)
    {
        if (!string.IsNullOrEmpty(named))
        {
            MpiLibrary library = Load(named)
                ?? throw new AtelierException("this is not an MPI library that can be loaded", named,
                    $"name the file of libmpi in {Variable}, or leave the variable out");
            return launch.Kind is null || launch.Kind == library.Kind ? library
                : throw new AtelierException($"mpirun is of {NameOf(launch.Kind.Value)}, but this library is of "
                    + $"{NameOf(library.Kind)}", library.Path, $"leave {Variable} out, or start with its own mpirun");
        }
        return (launch.Kind is { } kind ? Find(kind) : All().FirstOrDefault())
            ?? throw new AtelierException($"a job of {launch.Size} processes needs the MPI library of its launcher"
                + (launch.Kind is { } missing ? $", {NameOf(missing)}, which is not installed" : ""), "mpirun",
                "install it (on Debian openmpi-bin or mpich), or start without mpirun");
    }

    /// <summary>Returns the name of a kind.</summary>
    public static string NameOf(MpiKind kind) => kind == MpiKind.OpenMpi ? "Open MPI" : "MPICH";

    private static MpiLibrary? Load(string name) =>
        NativeLibrary.TryLoad(name, out nint handle) && KindOf(handle) is not null
            ? new MpiLibrary(handle, name) : null;

    private static MpiKind? KindOf(nint handle) =>
        NativeLibrary.TryGetExport(handle, "ompi_mpi_comm_world", out _) ? MpiKind.OpenMpi
        : NativeLibrary.TryGetExport(handle, "MPIR_Process", out _)
            || (NativeLibrary.TryGetExport(handle, "MPI_Init_thread", out _)
                && VersionOf(handle) is { } version && (version.Contains("MPICH", StringComparison.Ordinal)
                    || version.Contains("Intel", StringComparison.Ordinal)
                    || version.Contains("MVAPICH", StringComparison.Ordinal))) ? MpiKind.Mpich
        : null;

    // May be called before MPI is initialised (MPI 3.1, section 8.1.1).
    private static string VersionOf(nint handle)
    {
        var text = new byte[LongestVersion];
        int length = 0;
        fixed (byte* start = text)
        {
            var get = (delegate* unmanaged<byte*, int*, int>)NativeLibrary.GetExport(handle, "MPI_Get_library_version");
            _ = get(start, &length);
        }
        string[] lines = Encoding.UTF8.GetString(text, 0, Math.Clamp(length, 0, text.Length)).TrimEnd('\0')
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string first = string.Join(' ', (lines.Length > 0 ? lines[0] : "").Split((char[]?)null,
            StringSplitOptions.RemoveEmptyEntries)).Replace("Version: ", "", StringComparison.Ordinal);
        return first.Split(',')[0]; // Open MPI adds who built it
    }

    private static string? PathOf(nint handle)
    {
        if (!OperatingSystem.IsLinux())
            return null;
        nint function = NativeLibrary.GetExport(handle, "MPI_Get_library_version");
        // The file that is mapped at the address of one of its functions.
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            string[] range = line.Split(' ', 2)[0].Split('-');
            if ((ulong)function >= Convert.ToUInt64(range[0], 16) && (ulong)function < Convert.ToUInt64(range[1], 16))
                return line.IndexOf('/') is >= 0 and var at && line.Length - at < LongestName ? line[at..] : null;
        }
        return null;
    }
}
