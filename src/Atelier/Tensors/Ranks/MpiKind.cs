namespace Atelier.Tensors.Ranks;

/// <summary>The binary interfaces of MPI libraries, which differ in their handles.</summary>
internal enum MpiKind
{
    /// <summary>Open MPI: handles are addresses of exported objects.</summary>
    OpenMpi,

    /// <summary>MPICH and libraries with its interface, such as MVAPICH2 and Intel MPI: handles are numbers.</summary>
    Mpich,
}
