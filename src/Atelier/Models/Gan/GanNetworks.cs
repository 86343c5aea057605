namespace Atelier.Models.Gan;

/// <summary>Pairs of networks.</summary>
public enum GanNetworks
{
    /// <summary>Convolutions of stride 2 and their transposes (Radford et al. 2016).</summary>
    Dcgan,

    /// <summary>Residual blocks (Miyato et al. 2018, appendix B.4).</summary>
    Residual,
}
