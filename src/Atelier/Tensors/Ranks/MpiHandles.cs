using System.Runtime.InteropServices;

namespace Atelier.Tensors.Ranks;

/// <summary>The values of MPI's predefined handles, which mpi.h defines for C programs.</summary>
internal sealed record MpiHandles(nint World, nint Byte, nint Float, nint Double, nint Long, nint Sum, nint Max,
    nint ErrorsReturn, nint InPlace)
{
    /// <summary>Returns the handles of a library.</summary>
    public static MpiHandles Of(MpiLibrary library)
    {
        nint Address(string name) => NativeLibrary.GetExport(library.Handle, name);
        return library.Kind == MpiKind.OpenMpi
            ? new(Address("ompi_mpi_comm_world"), Address("ompi_mpi_byte"), Address("ompi_mpi_float"),
                Address("ompi_mpi_double"), Address("ompi_mpi_int64_t"), Address("ompi_mpi_op_sum"),
                Address("ompi_mpi_op_max"), Address("ompi_mpi_errors_return"), InPlace: 1)
            : new(0x44000000, 0x4c00010d, 0x4c00040a, 0x4c00080b, 0x4c00083a, 0x58000003, 0x58000001, 0x54000001,
                InPlace: -1);
    }
}
