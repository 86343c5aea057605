namespace Atelier.Tensors;

/// <summary>The paths of operators that the environment variable ATELIER_OPERATOR_PATHS selects.</summary>
internal enum OperatorSetting
{
    /// <summary>Not set: oneDNN's cache sizes are corrected, and the check decides.</summary>
    Checked,

    /// <summary>"unaided": oneDNN's cache sizes stay as they are, and the check decides.</summary>
    Unaided,

    /// <summary>"padded": nothing is corrected, and paths serve as where convolutions and LSTMs are wrong.</summary>
    Padded,

    /// <summary>"without-onednn": oneDNN is switched off, as where the check found other operators wrong too.</summary>
    WithoutOneDnn,

    /// <summary>"library": the tensor library as it is, unchecked; to compare speeds with.</summary>
    Library,

    /// <summary>"none": no path serves, unchecked; to see what is refused then.</summary>
    None,
}
